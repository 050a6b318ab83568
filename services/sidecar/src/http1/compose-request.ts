import { CR, LF } from './bytes.ts'
import { type Destination, SOCKET } from './destination.ts'
import type { RequestHead } from './request-head.ts'

const MAX_BYTES = 128
const ALLOWED = /^[A-Za-z0-9._:/+=-]+$/

/**
 * Whether a client's `X-Request-Id` is forwarded: short, and only characters that are harmless in a log and a field.
 */
export function isRequestId(bytes: Buffer, from: number, to: number): boolean {
  return to > from && to - from <= MAX_BYTES && ALLOWED.test(bytes.toString('latin1', from, to))
}

const HEX_DIGITS = Buffer.from('0123456789abcdef')
/** Digits of the serial number. */
const SERIAL_DIGITS = 8

/**
 * Makes request ids: a random part for each instance, then a serial number. They are not secret, so `node:crypto` is not
 * needed, whose import takes a tenth of the start-up time.
 */
export class RequestIds {
  readonly #random: string
  readonly #line: Buffer
  #serial = 0

  constructor() {
    this.#random = Math.floor(Math.random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0')
    this.#line = Buffer.from(`X-Request-Id: ${this.#random}-${'0'.repeat(SERIAL_DIGITS)}\r\n`)
  }

  /** Of the last id. */
  get serial(): number {
    return this.#serial
  }

  /** The id with this serial number. */
  idOf(serial: number): string {
    return `${this.#random}-${serial.toString(16).padStart(SERIAL_DIGITS, '0')}`
  }

  /** A field line with a new id. The buffer is reused by the next call. */
  nextLine(): Buffer {
    this.#serial = (this.#serial + 1) >>> 0
    let rest = this.#serial
    const last = this.#line.length - '\r\n'.length - 1
    for (let at = last; at > last - SERIAL_DIGITS; at--) {
      this.#line[at] = HEX_DIGITS[rest & 15] as number
      rest >>>= 4
    }
    return this.#line
  }
}

const VERSION = Buffer.from(' HTTP/1.1\r\n')
const HOST = Buffer.from('Host: localhost\r\n')
const NO_LINES = Buffer.alloc(0)

/** Bytes by which the composed head may be longer than the original, without `provenance`, a longer path and what `Destination` adds. */
export const COMPOSED_EXTRA = 128

/** The most bytes that `composeRequest` writes for a head that begins at `start`. */
export function composedBytes(head: RequestHead, start: number, provenance: Buffer): number {
  const growth = head.normalPath === null ? 0 : head.normalPath.length
  return head.end - start + growth + provenance.length + COMPOSED_EXTRA
}

/**
 * Writes the head for the upstream into `out`: the client's lines without those that end at the sidecar, then
 * `provenance` (X-Forwarded-*), and a request id if the client sent none. `destination` says which of that it gets.
 * @param out must have room for `composedBytes`, `added` and the lines of `destination`.
 * @param added more lines, for each destination: of a protocol that the request may switch to, and of its trace.
 * @returns the position after the head.
 */
export function composeRequest(
  out: Buffer,
  head: RequestHead,
  bytes: Buffer,
  start: number,
  provenance: Buffer,
  ids: RequestIds,
  destination: Destination = SOCKET,
  added: Buffer = NO_LINES,
): number {
  const { hostLine, credentialLines, isToldOrigin } = destination
  let at = composeLine(out, head, bytes, start)
  if (hostLine !== null) at += hostLine.copy(out, at)
  at = copyKept(out, at, head, bytes)
  if (!head.hasHost && hostLine === null) at += HOST.copy(out, at)
  if (head.maxForwards > 0) at += out.write(`Max-Forwards: ${head.maxForwards - 1}\r\n`, at, 'latin1')
  at += credentialLines.copy(out, at)
  at += added.copy(out, at)
  if (isToldOrigin) at += provenance.copy(out, at)
  if (isToldOrigin && head.requestIdStart < 0) at += ids.nextLine().copy(out, at)
  out[at] = CR
  out[at + 1] = LF
  return at + 2
}

/**
 * Writes the request line in origin form with HTTP/1.1 (RFC 9112 section 3.2), the path in its normal form, which the rule
 * saw, and the query as it came.
 */
function composeLine(out: Buffer, head: RequestHead, bytes: Buffer, start: number): number {
  const { normalPath } = head
  if (head.minor === 1 && head.authorityEnd === 0 && normalPath === null)
    return bytes.copy(out, 0, start, head.fieldsStart)
  let at = out.write(`${head.method} ${head.impliedPath}`, 0, 'latin1')
  if (normalPath !== null) at += normalPath.copy(out, at)
  at += bytes.copy(out, at, normalPath === null ? head.targetStart : head.pathEnd, head.targetEnd)
  return at + VERSION.copy(out, at)
}

function copyKept(out: Buffer, position: number, head: RequestHead, bytes: Buffer): number {
  const { drops } = head
  let at = position
  let from = head.fieldsStart
  for (let i = 0; i < drops.count; i++) {
    if (drops.start(i) > from) at += bytes.copy(out, at, from, drops.start(i))
    from = drops.end(i)
  }
  return at + bytes.copy(out, at, from, head.end - 2)
}
