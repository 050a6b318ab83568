import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { eventually } from '@uds-sidecar/shared/testing/waiting'

const MAIN = new URL('../main.ts', import.meta.url).pathname

/** A running sidecar in its own process. Disposing kills it. */
export interface SidecarProcess extends AsyncDisposable {
  readonly child: ChildProcess
  /** Everything that it has logged so far. */
  log(): string
  /** The TCP port of a route, or of `ops`. Resolves once the sidecar has logged that it listens there. */
  port(name: string): Promise<number>
}

export interface SidecarProcessOptions {
  /** RLIMIT_NOFILE of the process; by default the one of the test. */
  readonly descriptors?: number
  /** Hides /proc from the process with its own mount namespace (unshare(1)); needs root. Default false. */
  readonly withoutProc?: boolean
  /** A command, with arguments, that runs the sidecar. */
  readonly wrapper?: readonly string[]
  /** A module that Node runs before the sidecar, as source text. */
  readonly preload?: string
}

/** Starts a sidecar in its own process. It gets the variables in `env` and `PATH`, and no others. */
export function sidecarProcess(
  env: NodeJS.ProcessEnv,
  { descriptors, withoutProc = false, wrapper = [], preload }: SidecarProcessOptions = {},
): SidecarProcess {
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `
  const hide = withoutProc ? 'mount -t tmpfs none /proc && ' : ''
  const nodeOptions =
    preload === undefined ? [] : [`--import=data:text/javascript,${encodeURIComponent(preload)}`]
  const [command = '', ...args] = [
    ...wrapper,
    ...(withoutProc ? ['unshare', '--mount'] : []),
    ...['sh', '-c', `${limit}${hide}exec "$@"`, 'sh', process.execPath, ...nodeOptions, MAIN],
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

/** Runs `sidecar ARGS` until it exits. */
export async function runSidecar(env: NodeJS.ProcessEnv, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { env })
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { out, error, code }
}
