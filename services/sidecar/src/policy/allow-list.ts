import { BACKSLASH, DELETE, DOT, HEX, PERCENT, SEMICOLON, SLASH } from '../http1/bytes.ts'

export const RULE_PATTERN =
  /^(?<methods>[A-Z][A-Z-]{0,23}(?:\|[A-Z][A-Z-]{0,23})*) (?<path>\/[\w.~!$&'()*+,;=:@%/-]*|\*)(?: for (?<clients>[a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*))?$/

export const ALLOW_GRAMMAR =
  'may be methods and a path, such as GET /metrics or GET|POST /visits; a path that ends with /* allows everything below it'

/** Parses `GET /metrics`, `GET|POST /visits`, `GET /files/*` or `OPTIONS *`; undefined for any other text. */
export function parseAllowRule(text: string): AllowRule | undefined {
  const { methods, path, clients } = RULE_PATTERN.exec(text)?.groups ?? {}
  if (methods === undefined || path === undefined) return undefined
  const fixed = path.endsWith('/*') ? path.slice(0, -1) : path
  const isStarElsewhere = path !== '*' && fixed.includes('*')
  if (isStarElsewhere || !isNormalPath(Buffer.from(fixed), 0, fixed.length)) return undefined
  return { methods: methods.split('|'), path, clients: clients?.split(' ') ?? [] }
}

export function formatRule({ methods, path, clients }: AllowRule): string {
  const names = clients.length === 0 ? '' : ` for ${clients.join(' ')}`
  return `${methods.join('|')} ${path}${names}`
}

/** One entry of a route's allow list. */
export interface AllowRule {
  /** `GET` also allows `HEAD`, whose response reveals less. */
  readonly methods: readonly string[]
  /** An exact path, or one that ends with `/*`, which allows every path below it but not the path itself. */
  readonly path: string
  readonly clients: readonly string[]
}

interface CompiledRule {
  readonly methods: ReadonlySet<string>
  readonly path: Buffer
  readonly isPrefix: boolean
  readonly clients: readonly string[]
}

/** The requests that a route allows. Whatever no rule names is refused. */
export class AllowList {
  readonly #rules: readonly CompiledRule[]

  constructor(rules: readonly AllowRule[]) {
    this.#rules = rules.map(compile)
  }

  /** Whether `method` is allowed to somebody for the path in `bytes[from, to)`. */
  allows(method: string, bytes: Buffer, from: number, to: number): boolean {
    return this.clientsFor(method, bytes, from, to) !== null
  }

  /**
   * The clients that may use `method` for the path in `bytes[from, to)`: those of all rules that match, in their order.
   * Runs for every request, and allocates nothing unless several rules with `for` match.
   * @returns an empty list for everybody, null when no rule matches.
   */
  clientsFor(method: string, bytes: Buffer, from: number, to: number): readonly string[] | null {
    let clients: readonly string[] | null = null
    for (let i = 0; i < this.#rules.length; i++) {
      const rule = this.#rules[i] as CompiledRule
      if (!matches(rule, bytes, from, to) || !rule.methods.has(method)) continue
      if (rule.clients.length === 0) return rule.clients
      clients = clients === null ? rule.clients : [...clients, ...rule.clients]
    }
    return clients
  }

  /** The methods that are allowed for the path in `bytes[from, to)`, sorted. Empty when no rule names the path. */
  methodsFor(bytes: Buffer, from: number, to: number): string[] {
    const rules = this.#rules.filter((rule) => matches(rule, bytes, from, to))
    return [...new Set(rules.flatMap(({ methods }) => [...methods]))].sort()
  }
}

function compile({ methods, path, clients }: AllowRule): CompiledRule {
  const isPrefix = path.endsWith('/*')
  return {
    methods: new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods),
    path: Buffer.from(isPrefix ? path.slice(0, -1) : path),
    isPrefix,
    clients,
  }
}

function matches({ path, isPrefix }: CompiledRule, bytes: Buffer, from: number, to: number): boolean {
  const length = to - from
  if (isPrefix ? length < path.length : length !== path.length) return false
  for (let i = 0; i < path.length; i++) if (bytes[from + i] !== path[i]) return false
  return true
}

const UNRESERVED = /[A-Za-z0-9._~-]/

/**
 * Whether the path in `bytes[from, to)` is in its normal form (RFC 3986 section 6.2.2). Only then does every server read
 * the same path that the allow list checked. A normal path has no dot segments, no percent-encoded letters, digits or
 * `-._~`, and its percent-encodings are in upper case. Not normal either, because servers treat them differently:
 * encoded slashes, backslashes and control characters, and dot segments with parameters (`/..;x`).
 * @param bytes whose characters the request-line parser has already accepted.
 */
export function isNormalPath(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    if (byte === PERCENT && !isNormalEscape(bytes, at, to)) return false
    if (byte === SLASH && bytes[at + 1] === DOT && isDotSegment(bytes, at + 1, to)) return false
  }
  return true
}

function isDotSegment(bytes: Buffer, from: number, to: number): boolean {
  let at = from
  while (at < to && at < from + 2 && bytes[at] === DOT) at++
  return at === to || bytes[at] === SLASH || bytes[at] === SEMICOLON
}

function isNormalEscape(bytes: Buffer, at: number, to: number): boolean {
  if (at + 2 >= to) return false
  const high = bytes[at + 1] as number
  const low = bytes[at + 2] as number
  if ((HEX[high] as number) > 15 || (HEX[low] as number) > 15 || isLower(high) || isLower(low)) return false
  const byte = (HEX[high] as number) * 16 + (HEX[low] as number)
  if (byte < 0x20 || byte === DELETE || byte === SLASH || byte === BACKSLASH) return false
  return !UNRESERVED.test(String.fromCharCode(byte))
}

function isLower(byte: number): boolean {
  return byte >= 0x61
}
