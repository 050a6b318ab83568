import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { pinned } from './pin.ts'

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Runs a command and gives what it printed. */
export async function runToEnd(command: readonly string[], cpu?: number): Promise<string> {
  const [program = '', ...rest] = cpu === undefined ? command : pinned(command, cpu)
  const { stdout } = await promisify(execFile)(program, rest, { maxBuffer: MAX_OUTPUT_BYTES })
  return stdout
}
