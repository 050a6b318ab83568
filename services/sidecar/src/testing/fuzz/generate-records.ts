import type { End } from '../record-server.ts'
import type { Random } from './random.ts'

/** A response that a server sends in records. */
export interface PlannedResponse {
  readonly id: number
  /** As sent before the end. */
  readonly bytes: Buffer
  readonly interims: number
  readonly status: number
  readonly body: Buffer
  /** Some bytes are never sent, or may be lost by a reset. */
  readonly isCut: boolean
  /** A reset comes after the whole response: it may get through. */
  readonly mayBeWhole: boolean
  readonly end: End | null
  readonly mostRecordBytes: number
}

/** A body in which no four bytes are as at another place or in another body. */
export function bodyOf(id: number, length: number): Buffer {
  const body = Buffer.alloc(length + 4)
  for (let at = 0; at < length; at += 4) body.writeUInt32LE((id * 1_000_003 + at) >>> 0, at)
  return body.subarray(0, length)
}

export function chunked(body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const chunk = body.subarray(at, at + 1 + random.below(Math.ceil(body.length / random.pick([1, 3, 30]))))
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
    at += chunk.length
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

export function planResponse(id: number, random: Random): PlannedResponse {
  const [mostRecordBytes, mostBytes] = random.pick([
    [1, 300],
    [20, 3_000],
    [700, 90_000],
    [4_096, 400_000],
    [16_384, 1_500_000],
    [60_000, 1_500_000],
  ] as const)
  const body = bodyOf(id, random.below(random.pick([2, 60, mostBytes])))
  const framing = random.pick([
    'length',
    'length',
    'length',
    'chunked',
    'chunked',
    'chunked',
    'end',
    'none',
  ] as const)
  const isLast = framing === 'end' || random.chance(4)
  const end = !isLast ? null : random.pick(['notify', 'notify', 'fin', 'reset'] as const)
  const interims = random.chance(3) ? random.below(9) : 0
  const lines = Array.from({ length: interims }, (_, at) => `HTTP/1.1 103 Early\r\nX-Id: ${id}-${at}\r\n\r\n`)
  const fields = [`X-Id: ${id}`, `X-Pad: ${'p'.repeat(random.below(random.pick([2, 500])))}`]
  if (framing === 'length') fields.push(`Content-Length: ${body.length}`)
  if (framing === 'chunked') fields.push('Transfer-Encoding: chunked')
  if (end !== null && random.chance(2)) fields.push('Connection: close')
  const status = framing === 'none' ? 204 : 200
  const head = Buffer.from(`${lines.join('')}HTTP/1.1 ${status} OK\r\n${fields.join('\r\n')}\r\n\r\n`)
  const coded = framing === 'chunked' ? chunked(body, random) : framing === 'none' ? Buffer.alloc(0) : body
  const whole = Buffer.concat([head, coded])
  const isShort = end !== null && random.chance(2) && (framing !== 'end' || end === 'reset')
  const bytes = isShort ? whole.subarray(0, random.below(whole.length)) : whole
  return {
    id,
    bytes,
    interims,
    status,
    body: framing === 'none' ? coded : body,
    isCut: isShort || end === 'reset',
    mayBeWhole: !isShort && framing !== 'end',
    end,
    mostRecordBytes,
  }
}
