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
    ...againstServers(forwarded),
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
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(target.replace(/^http:\/\/[^/?]*/i, '')) ?? []
  return rooted(method, inNormalForm(path) + query)
}

/** RFC 3986 section 6.2.2, and the characters that browsers send raw. Written a second time here, without the relay's code. */
function inNormalForm(path: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  return path.replace(/%([0-9a-f]{2})|[[\]|^]/gi, (found, digits?: string) => {
    const character = digits === undefined ? found : String.fromCharCode(Number.parseInt(digits, 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : hex(character)
  })
}

/** How servers read a path: as it is, decoded, or decoded before parameters, queries and fragments are cut off. */
const READINGS: readonly ((path: string) => string)[] = [
  (path) => path,
  decoded,
  (path) => decoded(path.replace(/;[^/]*/g, '')),
  (path) => decoded(path).replace(/;[^/]*/g, ''),
  (path) => decoded(path).replace(/[?#].*$/s, ''),
]

function decoded(path: string): string {
  const bytes = path.replace(/%([0-9A-Fa-f]{2})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  // Decoders that do not check UTF-8 read an overlong encoding as the character that it is too long for.
  return bytes.replace(/[\xc0\xc1][\x80-\xbf]/g, (pair) =>
    String.fromCharCode(((pair.charCodeAt(0) & 1) << 6) | (pair.charCodeAt(1) & 63)),
  )
}

function isControlOrBackslash(character: string): boolean {
  return character < ' ' || character === '\x7f' || character === '\\'
}

/** No server may go up from the path that the rule saw, nor see more segments than the rule did. */
function againstServers({ target }: Forwarded): string[] {
  const [path = ''] = target.split('?')
  return READINGS.flatMap((read) => {
    const seen = read(path)
    return [
      ...(/(^|[/\\])\.{1,2}($|[/\\])/.test(seen) ? [`a server reads a dot segment in ${path}`] : []),
      ...([...seen].some(isControlOrBackslash)
        ? [`a server reads a control character or a backslash in ${path}`]
        : []),
      ...(seen.split('/').length > path.split('/').length ? [`a server reads more segments in ${path}`] : []),
    ]
  })
}

function rooted(method: string, path: string): string {
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
