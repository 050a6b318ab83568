import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventually } from '@uds-sidecar/shared/testing/waiting'

const MAIN = new URL('../main.ts', import.meta.url).pathname

export interface SidecarProcess extends AsyncDisposable {
  readonly child: ChildProcess
  /** Everything that was logged so far. */
  log(): string
  /** Where a route, or `ops`, listens, once it has started. */
  port(name: string): Promise<number>
}

export interface SidecarProcessOptions {
  /** How many it may open. */
  readonly descriptors: number
  /** Hides /proc from it, in a mount namespace of its own (unshare(1)), for which one must be root. */
  readonly withoutProc?: boolean
}

/** A sidecar as a process of its own, within limits. */
export function sidecarProcess(
  env: NodeJS.ProcessEnv,
  { descriptors, withoutProc = false }: SidecarProcessOptions,
): SidecarProcess {
  const hide = withoutProc ? 'mount -t tmpfs none /proc && ' : ''
  const script = `ulimit -n ${descriptors} && ${hide}exec "$@"`
  const [command = '', ...args] = [
    ...(withoutProc ? ['unshare', '--mount'] : []),
    ...['sh', '-c', script, 'sh', process.execPath, MAIN],
  ]
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let log = ''
  child.stdout?.on('data', (chunk) => {
    log += chunk
  })
  return {
    child,
    log: () => log,
    async port(name) {
      const found = () => new RegExp(`"${name}":"tcp://127.0.0.1:(\\d+)"`).exec(log)?.[1]
      await eventually(`${name} to listen`, () => found() !== undefined)
      return Number(found())
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    },
  }
}
