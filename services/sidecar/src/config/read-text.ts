import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'

/** The largest file, in bytes. A configuration of 1,000 routes needs about 200 KiB. */
export const MAX_FILE_BYTES = 1_024 * 1_024

/** What a file is for: the setting that names it, and what to do when it cannot be read. */
export interface TextFile {
  readonly setting: string
  readonly hints: { readonly missing: string; readonly notRegular: string; readonly tooLarge: string }
}

const CONFIGURATION: TextFile = {
  setting: 'SIDECAR_CONFIG',
  hints: {
    missing: 'mount the file there (configs in Compose), readable by the user of this process',
    notRegular: 'name a regular file, such as /etc/sidecar.yaml',
    tooLarge: 'remove the routes and settings that you do not need',
  },
}

/**
 * Reads the configuration file, or another one, at `path`: a regular file of UTF-8 text with at most `MAX_FILE_BYTES`.
 * Reading never blocks: a FIFO is refused.
 * @throws Failure `bad_config`
 */
export function readText(path: string, file = CONFIGURATION): string {
  const unreadable = (what: string, hint: string, cause?: unknown) =>
    new Failure('bad_config', {
      message: `${file.setting} is ${JSON.stringify(path)}, ${what}`,
      hint,
      errno: errnoOf(cause),
      cause,
    })
  const bytes = readFileBytes(path, file, unreadable)
  if (bytes.length > MAX_FILE_BYTES)
    throw unreadable(`which has more than ${MAX_FILE_BYTES} bytes`, file.hints.tooLarge)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw unreadable('which is not UTF-8 text', 'save it as UTF-8', cause)
  }
}

type Unreadable = (what: string, hint: string, cause?: unknown) => Failure

function readFileBytes(path: string, { hints }: TextFile, unreadable: Unreadable): Buffer {
  try {
    // Without O_NONBLOCK, opening a FIFO blocks until another process opens it for writing (fifo(7)).
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(fd)
      if (!stats.isFile()) throw unreadable(`which is ${kindOf(stats)}`, hints.notRegular)
      return readRegularFile(fd, stats)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw unreadable('which cannot be read', hints.missing, cause)
  }
}

/** Reads at most one byte more than the limit. It does not rely on the size from fstat(2), which may change. */
function readRegularFile(fd: number, { size }: Stats): Buffer {
  const bytes = Buffer.allocUnsafe(Math.min(size, MAX_FILE_BYTES) + 1)
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
