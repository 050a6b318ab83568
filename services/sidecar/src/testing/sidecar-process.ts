import assert from 'node:assert/strict'
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
  /** Everything that it has written to stderr so far. */
  errors(): string
  /** Resolves once it has started. @throws AssertionError when it has ended instead */
  started(): Promise<void>
  /** Resolves once it has logged this text, or has logged it `times` times. @throws AssertionError when it ends without */
  logs(text: string, times?: number): Promise<void>
  /** Its exit code, or the signal that ended it, once it has ended. */
  ended(): Promise<number | string | null>
  /** The TCP port of a route, or of `ops`. Resolves once the sidecar has logged that it listens there. */
  port(name: string): Promise<number>
}

export interface SidecarProcessOptions {
  /** RLIMIT_NOFILE of the process; by default the one of the test. */
  readonly descriptors?: number
  /** Hides /proc from the process with its own mount namespace (unshare(1)); needs root. Default false. */
  readonly withoutProc?: boolean
  /** A command, with arguments, that becomes the sidecar by exec, such as that of `socketUnits`. */
  readonly wrapper?: readonly string[]
  /** A module that Node runs before the sidecar, as source text. */
  readonly preload?: string
  /** More options of Node, such as `--no-experimental-ffi`. */
  readonly nodeArgs?: readonly string[]
  /** The user whom it runs as; by default that of the test. Needs root. */
  readonly uid?: number
  readonly gid?: number
}

/** Starts a sidecar in its own process. It gets the variables in `env` and `PATH`, and no others. */
export function sidecarProcess(
  env: NodeJS.ProcessEnv,
  {
    descriptors,
    withoutProc = false,
    preload,
    nodeArgs = [],
    wrapper = [],
    ...user
  }: SidecarProcessOptions = {},
): SidecarProcess {
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `
  const hide = withoutProc ? 'mount -t tmpfs none /proc && ' : ''
  const nodeOptions =
    preload === undefined ? [] : [`--import=data:text/javascript,${encodeURIComponent(preload)}`]
  const [command = '', ...args] = [
    ...wrapper,
    ...(withoutProc ? ['unshare', '--mount'] : []),
    ...['sh', '-c', `${limit}${hide}exec "$@"`, 'sh'],
    ...[process.execPath, ...nodeOptions, ...nodeArgs, MAIN],
  ]
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  let log = ''
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const closed = once(child, 'close')
  const logs = async (text: string, times = 1) => {
    const isThere = () => log.split(text).length > times
    await eventually(`the log to have ${text}`, () => isThere() || child.exitCode !== null)
    assert.ok(isThere(), `it ended with ${child.exitCode} before it logged ${text}: ${log}${errors}`)
  }
  child.stdout?.on('data', (chunk) => {
    log += chunk
  })
  return {
    child,
    log: () => log,
    errors: () => errors,
    logs,
    started: () => logs('"msg":"started"'),
    async ended() {
      let isClosed = false
      closed.then(() => {
        isClosed = true
      })
      await eventually('the sidecar to end', () => isClosed)
      return child.exitCode ?? child.signalCode
    },
    async port(name) {
      const found = () => new RegExp(`"${name}":"tcp://127.0.0.1:(\\d+)"`).exec(log)?.[1]
      await eventually(`${name} to listen`, () => found() !== undefined)
      return Number(found())
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
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
