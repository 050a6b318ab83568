import { PATH } from '../http1/bytes.ts'
import { examinePath, normalPath, PATH_FAULT } from '../http1/normal-path.ts'

/** One entry of a route's allow list. */
export interface AllowRule {
  /** `GET` also allows `HEAD`, whose response reveals less. */
  readonly methods: readonly string[]
  /**
   * A path in its normal form, or `*`. `{name}` is exactly one segment that is not empty; `/*` at the end is every path
   * below, but not the path itself.
   */
  readonly path: string
  /** The names that the query may have, decoded; empty: no query. Without it: any query. */
  readonly query?: readonly string[]
  /** The protocol that the request may switch to. */
  readonly upgrade?: string
  /** Its response may take as long as it likes. */
  readonly long: boolean
  /** The clients that it is for; empty: everybody. */
  readonly clients: readonly string[]
}

/** For editors; `parseRule` is stricter. */
export const RULE_PATTERN =
  /^[A-Z][A-Z-]{0,23}(\|[A-Z][A-Z-]{0,23})* (\/[^ ?#]*|\*)( \?[^ #]*)?( upgrade [^ ]+)?( long)?( for( [a-z][a-z0-9-]*)+)?$/

const KEYWORDS: ReadonlySet<string> = new Set(['upgrade', 'long', 'for'])
const METHODS = /^[A-Z][A-Z-]{0,23}(\|[A-Z][A-Z-]{0,23})*$/
const TEMPLATE = /^\{[A-Za-z_][A-Za-z0-9_.-]{0,63}\}$/
const PROTOCOL = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}(\/[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})?$/
const CLIENT = /^[a-z][a-z0-9-]{0,62}$/
/** Each different name of a query is looked up among these. */
const MAX_NAMES = 32
const ORDER = 'after the path may stand, in this order: ?NAME&NAME, upgrade TOKEN, long, for CLIENT...'

/** What is wrong with the text of a rule. */
class RuleError extends Error {}

/**
 * Parses `METHOD[|METHOD] PATH [?NAME&NAME] [upgrade TOKEN] [long] [for CLIENT...]`, with one space between the words.
 * @returns the rule, or a sentence that says what of the text is wrong.
 */
export function parseRule(text: string): AllowRule | string {
  try {
    return parseWords(text.split(' '))
  } catch (error) {
    if (error instanceof RuleError) return error.message
    throw error
  }
}

function parseWords(words: string[]): AllowRule {
  const [methods = '', path, ...rest] = words
  if (words.includes('')) throw new RuleError('its words must be separated by one space each')
  if (!METHODS.test(methods))
    throw new RuleError(
      `its methods ${quote(methods)} must be in capital letters, several joined by |, such as GET|POST`,
    )
  if (path === undefined) throw new RuleError(`it has no path after ${quote(methods)}`)
  return { methods: methods.split('|'), path: parsePath(path), ...parseRest(rest) }
}

function parseRest(words: string[]): Pick<AllowRule, 'query' | 'upgrade' | 'long' | 'clients'> {
  const query = words[0]?.startsWith('?') ? { query: parseQuery(words.shift() ?? '') } : {}
  const upgrade = take(words, 'upgrade') ? { upgrade: parseProtocol(words.shift()) } : {}
  const long = take(words, 'long')
  const clients = take(words, 'for') ? parseClients(words.splice(0)) : []
  const [left] = words
  if (left !== undefined) throw new RuleError(`${quote(left)} may not stand there; ${ORDER}`)
  return { ...query, ...upgrade, long, clients }
}

function take(words: string[], keyword: string): boolean {
  if (words[0] !== keyword) return false
  words.shift()
  return true
}

function parsePath(text: string): string {
  if (text === '*') return text
  if (!text.startsWith('/')) throw new RuleError(`its path ${quote(text)} must begin with /`)
  if (text.includes('?'))
    throw new RuleError(`its path ${quote(text)} needs a space before the ? of the query`)
  const isPrefix = text.endsWith('/*')
  const fixed = isPrefix ? text.slice(0, -1) : text
  if (fixed.includes('*'))
    throw new RuleError(`its path ${quote(text)} may have * only after the last /, for everything below`)
  const segments = fixed.split('/').map((segment) => (/[{}]/.test(segment) ? template(segment) : segment))
  const plain = Buffer.from(segments.map((segment) => (TEMPLATE.test(segment) ? 'x' : segment)).join('/'))
  const odd = plain.find((byte) => PATH[byte] !== 1)
  if (odd !== undefined)
    throw new RuleError(`its path ${quote(text)} needs percent-encoding, such as ${percentEncoded(text)}`)
  const fault = PATH_FAULT[examinePath(plain, 0, plain.length)]
  if (fault !== undefined) throw new RuleError(`its path ${quote(text)} ${fault}: no request could match it`)
  return segments.map(normalSegment).join('/') + (isPrefix ? '*' : '')
}

function template(segment: string): string {
  if (TEMPLATE.test(segment)) return segment
  throw new RuleError(
    `${quote(segment)} in its path must be {name} alone, with letters, digits, _, - and .: it stands for exactly one segment, and there are no regular expressions; a literal brace is %7B or %7D`,
  )
}

function normalSegment(segment: string): string {
  if (TEMPLATE.test(segment)) return segment
  const bytes = Buffer.from(segment)
  return normalPath(bytes, 0, bytes.length).toString('latin1')
}

/** Only the characters that may not stand in a path. */
function percentEncoded(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) =>
    PATH[byte] === 1 || '{}'.includes(String.fromCharCode(byte)) ? String.fromCharCode(byte) : escapeOf(byte),
  )
  return quote(bytes.join(''))
}

function escapeOf(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

function parseQuery(word: string): string[] {
  if (word === '?') return []
  const names = word.slice(1).split('&').map(queryName)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new RuleError(`its query names ${quote(twice)} twice`)
  if (names.length > MAX_NAMES)
    throw new RuleError(`its query has ${names.length} names, and may have at most ${MAX_NAMES}`)
  return names
}

function queryName(text: string): string {
  if (text === '') throw new RuleError('its query has an empty name; ? alone stands for no query')
  // A semicolon separates names for some servers, and a request with one is matched as if it did.
  const odd = /[^!-~]|[=;#?]/.exec(text)?.[0]
  if (odd !== undefined)
    throw new RuleError(
      `the name ${quote(text)} in its query has ${quote(odd)}: a query has names only, joined by &; percent-encode other characters`,
    )
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new RuleError(`the name ${quote(text)} in its query has a % that does not begin an escape of UTF-8`)
  }
}

function parseProtocol(token: string | undefined): string {
  if (token === undefined || KEYWORDS.has(token))
    throw new RuleError('upgrade needs the name of a protocol after it, such as upgrade websocket')
  if (!PROTOCOL.test(token)) throw new RuleError(`the protocol ${quote(token)} after upgrade must be a token`)
  return token
}

function parseClients(names: string[]): string[] {
  if (names.length === 0)
    throw new RuleError('for needs the name of a client after it, such as for prometheus')
  for (const [index, name] of names.entries()) {
    if (KEYWORDS.has(name))
      throw new RuleError(`${quote(name)} after for is a keyword and not the name of a client; ${ORDER}`)
    if (!CLIENT.test(name))
      throw new RuleError(
        `the client ${quote(name)} after for must have lower-case letters, digits and -, at most 63, and begin with a letter`,
      )
    if (names.indexOf(name) !== index) throw new RuleError(`for names the client ${quote(name)} twice`)
  }
  return names
}

const MAX_QUOTED = 80

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)
}

/** Whether a client may have this name: no keyword of the grammar of rules. */
export function isClientName(name: string): boolean {
  return CLIENT.test(name) && !KEYWORDS.has(name)
}

/** The text of a rule, which `parseRule` reads as the same rule. */
export function formatRule({ methods, path, query, upgrade, long, clients }: AllowRule): string {
  const parts = [
    methods.join('|'),
    path,
    ...(query === undefined ? [] : [`?${query.map(formatName).join('&')}`]),
    ...(upgrade === undefined ? [] : ['upgrade', upgrade]),
    ...(long ? ['long'] : []),
    ...(clients.length === 0 ? [] : ['for', ...clients]),
  ]
  return parts.join(' ')
}

function formatName(name: string): string {
  return encodeURIComponent(name).replaceAll('%5B', '[').replaceAll('%5D', ']')
}
