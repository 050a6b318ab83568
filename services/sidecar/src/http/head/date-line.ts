let second = 0
let line: Buffer = Buffer.alloc(0)

/** `Date` of now as a field line (RFC 9110 section 6.6.1), made once a second. */
export function dateLine(): Buffer {
  const now = Math.floor(Date.now() / 1_000)
  if (now !== second) {
    second = now
    line = Buffer.from(`Date: ${new Date(now * 1_000).toUTCString()}\r\n`)
  }
  return line
}
