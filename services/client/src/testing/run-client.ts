import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

const MAIN = new URL('../main.ts', import.meta.url).pathname

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Start {
  readonly env?: Readonly<Record<string, string>>
  /** Only root can start a process as another user. */
  readonly uid?: number
  readonly gid?: number
  /** A command, with arguments, that runs the client. */
  readonly wrapper?: readonly string[]
}

/** Runs the client in a new process and waits for its end. */
export async function runClient(
  args: readonly string[],
  { input = '', ...start }: Start & { readonly input?: string } = {},
): Promise<Finished> {
  const child = startClient(args, start)
  child.stdin.on('error', () => child.stdin.destroy()).end(input)
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { exitCode, stdout, stderr }
}

/** Starts the client and leaves it running; the caller ends it. */
export function startClient(args: readonly string[], { env = {}, wrapper = [], ...identity }: Start) {
  const [command = '', ...rest] = [...wrapper, process.execPath, MAIN, ...args]
  return spawn(command, rest, { env: { PATH: process.env.PATH, ...env }, ...identity })
}
