import { writeSync } from 'node:fs'
import { errnoOf } from '../failure/failure.ts'

const STDOUT = 1
const RETRY_MS = 10
const RETRIES = 100

const NOTHING = Buffer.alloc(0)

/** Lines that wait for a slow reader, in bytes. */
const MOST_WAITING_BYTES = 65_536

/**
 * The stdout of a program that logs. Lines never mix: what a slow reader has not taken of one is written before the next.
 * A full disk, or a reader that is gone, costs lines and never ends the process.
 */
export class LogOutput {
  readonly #write: (bytes: Uint8Array) => number
  /** The rest of a line that was written in part. */
  #rest: Buffer = NOTHING
  /** Whole lines of {@link offer}. */
  #waiting: string[] = []
  #waitingBytes = 0
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null
  #isNonBlocking: boolean
  /** The reader took nothing for as long as `write` waits: the next lines do not wait. */
  #isStuck = false

  /** @param write by default to stdout; after EAGAIN it is tried again */
  constructor(write?: (bytes: Uint8Array) => number) {
    this.#write = write ?? ((bytes) => writeSync(STDOUT, bytes))
    this.#isNonBlocking = write !== undefined
  }

  /**
   * Writes a line at once, or drops it if that fails. For a slow reader it waits up to 1 s, once: then it does not wait
   * until the reader takes something again. Pino's own destination would end the process on a full disk, or wait for space
   * for ever.
   */
  write(line: string): void {
    this.#queueWaiting()
    if (!this.#flush(this.#mostTries)) return
    const bytes = Buffer.from(line)
    this.#rest = bytes
    if (this.#flush(this.#mostTries)) return
    if (this.#rest.length === bytes.length) this.#rest = NOTHING
    else this.#timer ??= setTimeout(() => this.#flushSoon(), RETRY_MS).unref()
  }

  /**
   * Writes a line soon, together with others. It never waits, and keeps at most 64 KiB for a slow reader.
   * @returns false when the line is dropped
   */
  offer(line: string): boolean {
    if (!this.#isNonBlocking) makeNonBlocking()
    this.#isNonBlocking = true
    if (this.#waitingBytes + line.length > MOST_WAITING_BYTES) return false
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#timer ??= setImmediate(() => this.#flushSoon())
    return true
  }

  /** Writes what waits, as far as the reader takes it now. */
  flush(): void {
    this.#queueWaiting()
    this.#flush(1)
  }

  get #mostTries(): number {
    return this.#isStuck ? 1 : RETRIES
  }

  #flushSoon(): void {
    this.#timer = null
    if (this.#flush(1)) this.#queueWaiting()
    if (!this.#flush(1)) this.#timer = setTimeout(() => this.#flushSoon(), RETRY_MS).unref()
  }

  #queueWaiting(): void {
    if (this.#waiting.length === 0) return
    this.#rest = Buffer.concat([this.#rest, Buffer.from(this.#waiting.join(''))])
    this.#waiting = []
    this.#waitingBytes = 0
  }

  /** @returns false when the reader does not take all of it in so many tries */
  #flush(tries: number): boolean {
    for (let left = tries; this.#rest.length > 0; ) {
      const written = this.#bytesWritten(this.#rest)
      this.#rest = written === undefined ? NOTHING : this.#rest.subarray(written)
      if (written !== 0) this.#isStuck = false
      if (written !== 0) continue
      left -= 1
      if (left === 0) {
        this.#isStuck ||= tries === RETRIES
        return false
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
    return true
  }

  /** @returns 0 if another try may succeed; undefined if not: that cannot be logged. */
  #bytesWritten(bytes: Buffer): number | undefined {
    try {
      return this.#write(bytes)
    } catch (error) {
      return errnoOf(error) === 'EAGAIN' ? 0 : undefined
    }
  }
}

/** Node sets O_NONBLOCK on a pipe when `process.stdout` is first used. Without it a slow reader stops the process. */
function makeNonBlocking(): void {
  void process.stdout
}
