import { Transform, type TransformCallback } from 'node:stream'

const LF = 0x0a
const PREFIX = Buffer.from('echo: ')
const NEWLINE = Buffer.from('\n')

/** Most bytes of a line, without its newline. */
export const MAX_LINE_BYTES = 64 * 1024

/** The response to a longer line. It is the last one. */
export const TOO_LONG = Buffer.from(`error: line over ${MAX_LINE_BYTES} bytes\n`)

/** Turns each line `X` into `echo: X`, byte for byte. A last line without a newline counts too. */
export class EchoLines extends Transform {
  #partial: Buffer[] = []
  #partialBytes = 0
  #failed = false

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#failed) {
      done()
      return
    }
    const responses: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, end))
      if (this.#failed) break
      responses.push(...this.#takeLine())
      start = end + 1
    }
    if (!this.#failed) this.#keep(chunk.subarray(start))
    if (responses.length > 0) this.push(Buffer.concat(responses))
    if (this.#failed) this.#giveUp()
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.#partialBytes > 0) this.push(Buffer.concat(this.#takeLine()))
    done()
  }

  #keep(bytes: Buffer): void {
    this.#partial.push(bytes)
    this.#partialBytes += bytes.length
    this.#failed ||= this.#partialBytes > MAX_LINE_BYTES
  }

  #takeLine(): Buffer[] {
    const line = [PREFIX, ...this.#partial, NEWLINE]
    this.#partial = []
    this.#partialBytes = 0
    return line
  }

  #giveUp(): void {
    this.#partial = []
    this.#partialBytes = 0
    this.push(TOO_LONG)
    this.push(null)
  }
}
