import Docker, { type Container } from 'dockerode'

/** The Docker engine, as DOCKER_HOST says; default: its socket on this machine. */
export const engine = new Docker()

export type ImageName = 'app' | 'sidecar' | 'client' | 'redis' | 'prometheus'

/** The image that compose.yaml names. `make images` builds it: nothing is built or pulled here. */
export function image(name: ImageName): string {
  return `uds-sidecar/${name}:${process.env.UDS_SIDECAR_VERSION || 'dev'}`
}

export interface Output {
  readonly stdout: string
  readonly stderr: string
}

export interface Ended extends Output {
  readonly exitCode: number
}

/** Runs a command in a running container, as its user and groups, without a shell. */
export async function exec(container: Container, command: readonly string[]): Promise<Ended> {
  const task = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true })
  const stream = await task.start({})
  const output = demultiplex(Buffer.concat(await stream.toArray()))
  const { ExitCode } = await task.inspect()
  return { ...output, exitCode: ExitCode ?? -1 }
}

/** What a container wrote; with `tail` the last so many lines of it. */
export async function outputOf(container: Container, tail?: number): Promise<Output> {
  return demultiplex(
    await container.logs({ stdout: true, stderr: true, ...(tail === undefined ? {} : { tail }) }),
  )
}

/** What a container wrote, stderr after stdout; with `tail` the last so many lines. */
export async function logOf(container: Container, tail?: number): Promise<string> {
  const { stdout, stderr } = await outputOf(container, tail)
  return stdout + stderr
}

const HEADER_BYTES = 8
const STDERR = 2

/** Takes apart what the engine sends for a container without a terminal: frames of type, length and bytes. */
function demultiplex(bytes: Buffer): Output {
  const frames = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  let start = 0
  while (start < bytes.length) {
    const end = start + HEADER_BYTES + bytes.readUInt32BE(start + 4)
    const stream = bytes.readUInt8(start) === STDERR ? 'stderr' : 'stdout'
    frames[stream].push(bytes.subarray(start + HEADER_BYTES, end))
    start = end
  }
  return { stdout: Buffer.concat(frames.stdout).toString(), stderr: Buffer.concat(frames.stderr).toString() }
}
