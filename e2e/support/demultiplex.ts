export interface Output {
  readonly stdout: string
  readonly stderr: string
}

const HEADER_BYTES = 8
const STDERR = 2

/** Takes apart what the engine sends for a container without a terminal: frames of type, length and bytes. */
export function demultiplex(bytes: Buffer): Output {
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
