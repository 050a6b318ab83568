import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'

/** The largest configuration file, in bytes. 1,000 routes need about 200 KiB. */
export const MAX_FILE_BYTES = 1_024 * 1_024

/**
 * Reads the configuration file at `path`: a regular file of UTF-8 text with at most `MAX_FILE_BYTES`. Reading never
 * blocks: a FIFO is refused.
 * @throws Failure `bad_config`
 */
export function readText(path: string): string {
  const bytes = readFileBytes(path)
  if (bytes.length > MAX_FILE_BYTES)
    throw unreadable(
      path,
      `which has more than ${MAX_FILE_BYTES} bytes`,
      'remove the routes and settings that you do not need',
    )
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw unreadable(path, 'which is not UTF-8 text', 'save it as UTF-8', cause)
  }
}

function readFileBytes(path: string): Buffer {
  try {
    // Without O_NONBLOCK, opening a FIFO blocks until another process opens it for writing (fifo(7)).
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return readRegularFile(fd, path)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    const hint = 'mount the file there (configs in Compose), readable by the user of this process'
    throw unreadable(path, 'which cannot be read', hint, cause)
  }
}

/** Reads at most one byte more than the limit. It does not rely on the size from fstat(2), which may change. */
function readRegularFile(fd: number, path: string): Buffer {
  const stats = fstatSync(fd)
  if (!stats.isFile())
    throw unreadable(path, `which is ${kindOf(stats)}`, 'name a regular file, such as /etc/sidecar.yaml')
  const bytes = Buffer.allocUnsafe(Math.min(stats.size, MAX_FILE_BYTES) + 1)
  const chunks: Buffer[] = []
  for (let total = 0; total <= MAX_FILE_BYTES; ) {
    const length = readSync(fd, bytes, 0, bytes.length, null)
    if (length === 0) break
    chunks.push(Buffer.from(bytes.subarray(0, length)))
    total += length
  }
  return Buffer.concat(chunks)
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory'
  return stats.isFIFO() ? 'a FIFO' : 'not a regular file'
}

function unreadable(path: string, what: string, hint: string, cause?: unknown): Failure {
  return new Failure('bad_config', {
    message: `SIDECAR_CONFIG is ${JSON.stringify(path)}, ${what}`,
    hint,
    errno: errnoOf(cause),
    cause,
  })
}
