const KNOWN = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT'] as const
const CODES = KNOWN.map((name) => ({ name, bytes: Buffer.from(name) }))

const LABELS: ReadonlySet<string> = new Set(KNOWN)

/** The method as text, the usual ones without making a string. Methods are case-sensitive (RFC 9110 section 9.1). */
export function methodName(bytes: Buffer, from: number, to: number): string {
  for (let i = 0; i < CODES.length; i++) {
    const code = CODES[i] as (typeof CODES)[number]
    if (isEqual(bytes, from, to, code.bytes)) return code.name
  }
  return bytes.toString('latin1', from, to)
}

/** As a metric label: a client must not be able to make series. */
export function methodLabel(method: string): string {
  return LABELS.has(method) ? method : 'other'
}

/** RFC 9110 section 9.2.2. */
export function isIdempotent(method: string): boolean {
  return method !== 'POST' && method !== 'PATCH' && LABELS.has(method)
}

function isEqual(bytes: Buffer, from: number, to: number, expected: Buffer): boolean {
  if (to - from !== expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected[i]) return false
  return true
}
