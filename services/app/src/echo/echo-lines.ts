import { Transform, type TransformCallback } from 'node:stream'

const LF = 0x0a
const PREFIX = Buffer.from('echo: ')
const NEWLINE = Buffer.from('\n')

/** Bytes of a line without its newline. */
export const MAX_LINE_BYTES = 64 * 1024

/** The answer to a longer line, after which nothing more is answered. */
export const TOO_LONG = Buffer.from(`error: line over ${MAX_LINE_BYTES} bytes\n`)

/** Answers each line `X` with `echo: X`, byte for byte; a last line without a newline counts. */
export class EchoLines extends Transform {
  #partial: Buffer[] = []
  #partialBytes = 0
  #failed = false

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#failed) {
      done()
      return
    }
    const answers: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, end))
      if (this.#failed) break
      answers.push(...this.#takeLine())
      start = end + 1
    }
    if (!this.#failed) this.#keep(chunk.subarray(start))
    if (answers.length > 0) this.push(Buffer.concat(answers))
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
