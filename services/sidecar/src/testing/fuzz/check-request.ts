import { DROPPED_FIELDS } from '../../http1/dropped-fields.ts'
import { INCOMPLETE } from '../../http1/fields.ts'
import { parseRequestHead } from '../../http1/parse-request-head.ts'
import { REFUSED, RequestHead } from '../../http1/request-head.ts'
import { type OracleMessage, read } from './oracle.ts'
import { type Forwarded, relayRequests } from './relay-model.ts'

const SENTINEL = Buffer.from('GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n')
/** Fields that must be dropped. Written a second time here, so that a mistake in the table is found. */
const PROVENANCE =
  /^(forwarded|x-forwarded-.*|x-forwarded|x-real-ip|script-name|x-original-.*|x-http-method.*|remote-.*)$/
const ODD_NAME = /[^a-z0-9-]/i
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'upgrade',
  'http2-settings',
]

/** Compares what the relay would forward of `input` with the oracle. Returns every difference; empty when there is none. */
export function violationsOf(input: Buffer): string[] {
  return relayRequests(input).flatMap((forwarded) => [
    ...againstOracle(forwarded),
    ...againstOriginal(forwarded, input),
  ])
}

/** Strict and lenient, the oracle must read the forwarded bytes as one message, and what follows as the next message. */
function againstOracle(forwarded: Forwarded): string[] {
  return [false, true].flatMap((isLenient) => againstReading(forwarded, isLenient))
}

function againstReading({ method, target, body, complete, bytes }: Forwarded, isLenient: boolean): string[] {
  const { messages, error } = read('request', complete ? Buffer.concat([bytes, SENTINEL]) : bytes, {
    isLenient,
  })
  const [message, next] = messages
  if (error !== null || message === undefined) return [`the oracle refuses the forwarded bytes: ${error}`]
  if (messages.length !== (complete ? 2 : 1)) return [`the oracle sees ${messages.length} messages`]
  return [
    ...(message.method === method ? [] : [`method ${message.method} instead of ${method}`]),
    ...(message.target === target ? [] : [`target ${message.target} instead of ${target}`]),
    ...(message.body === body
      ? []
      : [`body ${JSON.stringify(message.body)} instead of ${JSON.stringify(body)}`]),
    ...(message.complete === complete ? [] : [`the oracle says complete: ${message.complete}`]),
    ...(!complete || next?.target === '/sentinel'
      ? []
      : [`what follows is read as ${next?.method} ${next?.target}`]),
    ...forbidden(message.headers),
  ]
}

function forbidden(headers: readonly string[]): string[] {
  const names = headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  const count = (name: string) => names.filter((each) => each === name).length
  return [
    ...names
      .filter((name) => HOP_BY_HOP.includes(name) || ODD_NAME.test(name))
      .map((name) => `${name} is forwarded`),
    ...names
      .filter((name) => PROVENANCE.test(name) && name !== 'x-forwarded-for')
      .map((name) => `${name} is forwarded`),
    ...['host', 'x-forwarded-for', 'x-request-id']
      .filter((name) => count(name) !== 1)
      .map((name) => `${count(name)} times ${name}`),
    ...(count('content-length') + count('transfer-encoding') > 1 ? ['two framing fields'] : []),
  ]
}

/** If the oracle accepts the original, it must read the same message from it, except for fields that the relay drops. */
function againstOriginal(forwarded: Forwarded, input: Buffer): string[] {
  const original = read('request', input.subarray(forwarded.start)).messages[0]
  const after = read('request', forwarded.bytes).messages[0]
  if (original === undefined || after === undefined) return []
  const expected = keptFields(original)
  const kept = pairs(after.headers).filter(
    ([name]) => !['x-forwarded-for', 'x-request-id', 'max-forwards'].includes(name.toLowerCase()),
  )
  const isHostAdded = !expected.some(([name]) => name.toLowerCase() === 'host')
  const actual = isHostAdded ? kept.filter(([name]) => name !== 'Host') : kept
  const target = originForm(original)
  return [
    ...(original.method === forwarded.method
      ? []
      : [`method ${forwarded.method}, originally ${original.method}`]),
    ...(target === forwarded.target ? [] : [`target ${forwarded.target}, originally ${original.target}`]),
    ...(original.complete !== forwarded.complete || original.body === forwarded.body
      ? []
      : ['body differs from the original']),
    ...(JSON.stringify(actual) === JSON.stringify(expected)
      ? []
      : [`fields ${JSON.stringify(actual)}, originally ${JSON.stringify(expected)}`]),
  ]
}

const LISTED = DROPPED_FIELDS.flatMap(({ names }) => names.map((name) => name.toLowerCase()))

/** Whether the table in the README lists the field. */
function isListed(name: string): boolean {
  return LISTED.some((listed) =>
    listed.endsWith('*') ? name.startsWith(listed.slice(0, -1)) : name === listed,
  )
}

function originForm({ method, target }: OracleMessage): string {
  const path = target.replace(/^http:\/\/[^/?]*/i, '')
  if (path.startsWith('/') || path === '*') return path
  return method === 'OPTIONS' && path === '' ? '*' : `/${path}`
}

function keptFields({ headers, minor }: OracleMessage): [string, string][] {
  const all = pairs(headers)
  const named = all
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(/[\s,]+/))
  const gone = new Set([
    ...HOP_BY_HOP,
    ...named.filter((name) => name !== 'close' && name !== ''),
    'x-request-id',
    'max-forwards',
    ...(minor === 0 ? ['expect'] : []),
  ])
  return all.filter(
    ([name]) => !gone.has(name.toLowerCase()) && !isListed(name.toLowerCase()) && !ODD_NAME.test(name),
  )
}

function pairs(headers: readonly string[]): [string, string][] {
  return Array.from({ length: headers.length / 2 }, (_, index) => [
    headers[2 * index] ?? '',
    headers[2 * index + 1] ?? '',
  ])
}

/** Compares parsing a head whole with parsing only its first `cut` bytes. Returns every difference. */
export function splitViolations(input: Buffer, cut: number): string[] {
  const whole = parseRequestHead(new RequestHead(), input, 0, input.length)
  const part = parseRequestHead(new RequestHead(), input, 0, cut)
  if (part === INCOMPLETE)
    return whole > 0 && whole <= cut ? [`incomplete at ${cut} though it ends at ${whole}`] : []
  if (part === REFUSED) return whole === REFUSED ? [] : [`refused when cut at ${cut}, but not as a whole`]
  return part === whole ? [] : [`ends at ${part} when cut at ${cut}, as a whole at ${whole}`]
}
