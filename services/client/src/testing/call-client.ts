import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runCommandLine } from '../cli/run-command-line.ts'
import type { Finished } from './run-client.ts'

/** Runs one command line in this process, which is faster than a new process. */
export async function callClient(
  args: readonly string[],
  { env = {}, input = '' }: { env?: Readonly<Record<string, string>>; input?: string } = {},
): Promise<Finished> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const output = Promise.all([text(stdout), text(stderr)])
  const exitCode = await runCommandLine(args, { stdin: Readable.from([input]), stdout, stderr, env })
  stdout.end()
  stderr.end()
  const [out, err] = await output
  return { exitCode, stdout: out, stderr: err }
}
