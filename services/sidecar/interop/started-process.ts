import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { eventually } from '@uds-sidecar/shared/testing/waiting'

export interface StartedProcess extends AsyncDisposable {
  readonly child: ChildProcess
}

/** Starts a server in this directory, and waits until its socket accepts connections. Disposing ends it with SIGTERM. */
export async function startProcess(
  command: string,
  args: readonly string[],
  socketPath: string,
): Promise<StartedProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: import.meta.dirname })
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  await eventually(`${command} to accept connections`, () => accepts(socketPath))
  return { child, [Symbol.asyncDispose]: stop }
}

async function accepts(path: string): Promise<boolean> {
  try {
    const socket = await dial({ kind: 'unix', path })
    socket.on('error', () => socket.destroy()).destroy()
    return true
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return false
  }
}

/** Runs a program and returns its stdout and stderr. @throws Error when its exit code is not 0. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}`)
  return output
}
