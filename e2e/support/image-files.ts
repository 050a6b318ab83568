import { createContainer } from './container.ts'

export interface ImageFile {
  readonly path: string
  readonly kind: 'file' | 'directory' | 'link'
  /** Permission bits, such as 0o755. */
  readonly mode: number
  readonly size: number
  /** What a symbolic link or a hard link names. */
  readonly target: string
}

/** All that an image has, as the engine exports it from a container that is never started. */
export async function filesOf(image: string): Promise<ImageFile[]> {
  const container = await createContainer({ image })
  try {
    return await filesIn(await container.export())
  } finally {
    await container.remove({ force: true, v: true })
  }
}

const BLOCK = 512

/** The entries of a tar archive (POSIX.1-2001, "pax"), without their content. */
async function filesIn(archive: AsyncIterable<string | Buffer>): Promise<ImageFile[]> {
  const files: ImageFile[] = []
  let attributes = new Map<string, string>()
  for await (const { header, content } of entriesOf(archive)) {
    const type = String.fromCharCode(header[156] ?? 0)
    if (type === 'x') {
      attributes = attributesIn(content)
      continue
    }
    const prefix = text(header, 345, 155)
    const name = attributes.get('path') ?? (prefix === '' ? '' : `${prefix}/`) + text(header, 0, 100)
    files.push({
      path: `/${name.replace(/^\.?\/|\/$/g, '')}`,
      kind: type === '5' ? 'directory' : type === '1' || type === '2' ? 'link' : 'file',
      mode: octal(header, 100, 8) & 0o7777,
      size: octal(header, 124, 12),
      target: attributes.get('linkpath') ?? text(header, 157, 100),
    })
    attributes = new Map()
  }
  return files
}

interface Entry {
  readonly header: Buffer
  /** Of a file nothing: only the attributes of the next entry are kept. */
  readonly content: Buffer
}

async function* entriesOf(archive: AsyncIterable<string | Buffer>): AsyncGenerator<Entry> {
  let rest = Buffer.alloc(0)
  let entry: { header: Buffer; size: number; padded: number } | undefined
  let skip = 0
  for await (const piece of archive) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    const skipped = Math.min(skip, chunk.length)
    skip -= skipped
    rest = Buffer.concat([rest, chunk.subarray(skipped)])
    while (skip === 0) {
      if (entry === undefined) {
        if (rest.length < BLOCK) break
        const header = rest.subarray(0, BLOCK)
        rest = rest.subarray(BLOCK)
        if (header[0] === 0) continue // two empty blocks end the archive
        const size = octal(header, 124, 12)
        entry = { header, size, padded: Math.ceil(size / BLOCK) * BLOCK }
      }
      const { header, size, padded } = entry
      if (header[156] === 'x'.charCodeAt(0)) {
        if (rest.length < padded) break
        yield { header, content: rest.subarray(0, size) }
      } else yield { header, content: Buffer.alloc(0) }
      skip = Math.max(0, padded - rest.length)
      rest = rest.subarray(Math.min(padded, rest.length))
      entry = undefined
    }
  }
}

/** Records of the form `LENGTH KEY=VALUE\n`; the length counts the bytes of the whole record. */
function attributesIn(content: Buffer): Map<string, string> {
  const attributes = new Map<string, string>()
  for (let start = 0; start < content.length; ) {
    const length = Number.parseInt(content.toString('utf8', start), 10)
    const record = content.toString('utf8', start, start + length - 1)
    const [, key = '', value = ''] = /^\d+ ([^=]+)=(.*)$/s.exec(record) ?? []
    attributes.set(key, value)
    start += length
  }
  return attributes
}

function text(header: Buffer, start: number, length: number): string {
  return header.toString('utf8', start, start + length).replace(/\0.*$/s, '')
}

function octal(header: Buffer, start: number, length: number): number {
  return Number.parseInt(text(header, start, length).trim() || '0', 8)
}
