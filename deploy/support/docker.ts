import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program until it ends. @param input what it reads from stdin */
export async function run(command: readonly string[], input = ''): Promise<Outcome> {
  const [program = '', ...args] = command
  const child = spawn(program, args)
  child.stdin.on('error', () => undefined) // a program may end without reading all of it
  child.stdin.end(input)
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, stdout, stderr }
}

/** The docker command. @returns what it printed @throws Error when its exit code is not 0 */
export async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(['docker', ...args])
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  return stdout.trim()
}

export interface Printed {
  readonly code: number | null
  /** stdout, and stderr after it. */
  readonly output: string
}

/** The docker command, whatever comes of it. */
export async function tryDocker(...args: string[]): Promise<Printed> {
  const { code, stdout, stderr } = await run(['docker', ...args])
  return { code, output: `${stdout}${stderr}`.trim() }
}
