const MAX_BYTES = 128
const ALLOWED = /^[A-Za-z0-9._:/+=-]+$/

/** Whether a client's own `X-Request-Id` may be passed on: short, and nothing that a log or a header could choke on. */
export function isRequestId(bytes: Buffer, from: number, to: number): boolean {
  return to > from && to - from <= MAX_BYTES && ALLOWED.test(bytes.toString('latin1', from, to))
}

/** Different in each process, not secret: loading `node:crypto` for it would cost a tenth of the start. */
const PROCESS = Math.floor(Math.random() * 2 ** 48)
const LINE = Buffer.from(`X-Request-Id: ${PROCESS.toString(16).padStart(12, '0')}-00000000\r\n`)
const LAST_DIGIT = LINE.length - 3
const HEX_DIGITS = Buffer.from('0123456789abcdef')
let serial = 0

/** A field line with an id that this process gives once: random per process, then a serial number. Reused. */
export function nextRequestIdLine(): Buffer {
  serial = (serial + 1) >>> 0
  let rest = serial
  for (let at = LAST_DIGIT; at > LAST_DIGIT - 8; at--) {
    LINE[at] = HEX_DIGITS[rest & 15] as number
    rest >>>= 4
  }
  return LINE
}
