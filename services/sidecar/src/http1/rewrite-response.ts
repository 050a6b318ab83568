import type { ResponseHead } from './response-head.ts'

/** `Date` as a field line (RFC 9110 section 6.6.1), made once a second. */
export class DateLine {
  #second = 0
  #line: Buffer = Buffer.alloc(0)

  /** The line for the current second. */
  now(): Buffer {
    const second = Math.floor(Date.now() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#line = Buffer.from(`Date: ${new Date(second * 1_000).toUTCString()}\r\n`)
    }
    return this.#line
  }
}

const MINOR_VERSION = 'HTTP/1.'.length
const ONE = 0x31

/** Bytes that must be free before a head, for the lines that are inserted. */
export const HEADROOM = 256

/**
 * Rewrites the head at `bytes[start, head.end)` in place: removes the dropped lines, inserts whole lines and a framing
 * field of the relay after the status line, and sets the version to HTTP/1.1 (RFC 9110 section 2.5). The bytes before a
 * gap move towards the body, so that head and body stay one piece.
 * @param bytes has at least `HEADROOM` bytes before `start` that may be overwritten.
 * @returns where the head now begins.
 */
export function rewriteResponse(
  bytes: Buffer,
  start: number,
  head: ResponseHead,
  insertion: Buffer | null,
): number {
  const { drops } = head
  let shift = 0
  bytes[start + MINOR_VERSION] = ONE
  for (let i = drops.count - 1; i >= 0; i--) {
    shift += drops.end(i) - drops.start(i)
    const from = i === 0 ? start : drops.end(i - 1)
    bytes.copyWithin(from + shift, from, drops.start(i))
  }
  const at =
    insertion === null ? start + shift : insert(bytes, start + shift, head.fieldsStart + shift, insertion)
  const framing = head.framingLine
  return framing === null
    ? at
    : insert(bytes, at, head.fieldsStart + shift - (insertion?.length ?? 0), framing)
}

function insert(bytes: Buffer, start: number, fieldsStart: number, insertion: Buffer): number {
  bytes.copyWithin(start - insertion.length, start, fieldsStart)
  insertion.copy(bytes, fieldsStart - insertion.length)
  return start - insertion.length
}
