import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface Outcome {
  readonly code: number | null
  readonly output: string
}

/** Runs the command line of Docker. @returns what it printed @throws Error when its exit code is not 0 */
export async function docker(...args: string[]): Promise<string> {
  const { code, output } = await tryDocker(...args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${output}`)
  return output
}

/** Runs the command line of Docker. @returns stdout, and stderr after it */
export function tryDocker(...args: string[]): Promise<Outcome> {
  return outcomeOf('docker', ...args)
}

/** Copies images to the engine in a container. @throws Error when its engine does not take them */
export async function loadImages(
  container: string,
  images: readonly string[],
  engine: 'docker' | 'podman' = 'docker',
): Promise<void> {
  const command = `docker save ${images.join(' ')} | docker exec -i ${container} ${engine} load --quiet`
  const { code, output } = await outcomeOf('sh', '-c', command)
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}`)
}

async function outcomeOf(command: string, ...args: string[]): Promise<Outcome> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const { stdout, stderr } = child
  const [[code], out, errors] = await Promise.all([once(child, 'close'), text(stdout), text(stderr)])
  return { code, output: `${out}${errors}`.trim() }
}
