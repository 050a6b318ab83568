import { PERCENT, SLASH } from '../http1/bytes.ts'
import { HAS_ENCODED_SLASH } from '../http1/normal-path.ts'
import type { RequestHead, RequestTarget } from '../http1/request-head.ts'
import { KnownNames, QueryNames } from './query-names.ts'
import type { AllowRule } from './rule.ts'

/** @param bytes the buffer that `head` was parsed from. @returns `head.target`, so that a request allocates nothing. */
export function targetOf(head: RequestHead, bytes: Buffer): Target {
  const { target, impliedPath, normalPath, targetStart, pathEnd } = head
  const written = impliedPath === '' ? normalPath : IMPLIED[impliedPath]
  target.path = written ?? bytes
  target.from = written === null ? targetStart : 0
  target.to = written === null ? pathEnd : written.length
  target.hasEncodedSlash = (head.pathBits & HAS_ENCODED_SLASH) !== 0
  target.query = bytes
  target.queryFrom = pathEnd
  target.queryTo = head.targetEnd
  if (target.hasEncodedSlash) findEncodedSlashes(target)
  return target
}

/** Once for all rules, because a path may have 16 KiB and a route 1,000 rules. */
function findEncodedSlashes(target: RequestTarget): void {
  const path = target.path.subarray(target.from, target.to)
  target.firstEncodedSlash = target.from + path.indexOf('%2F')
  target.lastEncodedSlash = target.from + path.lastIndexOf('%2F')
}

const IMPLIED = { '/': Buffer.from('/'), '*': Buffer.from('*') } as const

export type Target = Readonly<RequestTarget>

interface CompiledRule {
  readonly methods: ReadonlySet<string>
  /** What stands before, between and after the `{name}` segments. */
  readonly literals: readonly Buffer[]
  /** What a path must end with, if a `{name}` segment is before it. */
  readonly tail: Buffer | null
  readonly isPrefix: boolean
  /** The names that the query may have; null: any query. */
  readonly query: ReadonlySet<string> | null
  readonly long: boolean
  /** In lower case; null: a request that does not switch protocols. */
  readonly upgrade: string | null
  /** The same as the rule writes it. */
  readonly protocol: string | null
  /** Empty: everybody. */
  readonly clients: readonly string[]
}

/**
 * The requests that a route allows. Whatever no rule names is refused. The rules are tried one after the other, and each
 * reads the path once. The query is read once for all of them: each rule only looks up its different names, of which it
 * has at most 32. So the cost is that of the query plus that of the rules, and not their product.
 */
export class AllowList {
  readonly #rules: readonly CompiledRule[]
  /** Whether `{name}` and `/*` match a `%2F` too, as data. A literal with `%2F` always does. */
  readonly isEncodedSlashAllowed: boolean
  readonly #longRules: readonly CompiledRule[]
  readonly #upgradeRules: readonly CompiledRule[]
  /** Null: no rule has a condition on the query. */
  readonly #names: KnownNames | null

  constructor(rules: readonly AllowRule[], encodedSlash: 'refuse' | 'allow' = 'refuse') {
    this.#rules = rules.map(compile)
    this.#longRules = this.#rules.filter(({ long, upgrade }) => long && upgrade === null)
    this.#upgradeRules = this.#rules.filter(({ upgrade }) => upgrade !== null)
    this.isEncodedSlashAllowed = encodedSlash === 'allow'
    const conditions = this.#rules.flatMap(({ query }) => (query === null ? [] : [query]))
    this.#names = conditions.length === 0 ? null : new KnownNames(conditions)
  }

  /** Whether a rule allows `method` for this path and query to somebody. */
  allows(method: string, target: Target): boolean {
    return this.clientsFor(method, target) !== null
  }

  /**
   * The clients that may use `method` for this path and query: those of all rules that match, in their order. Runs for
   * every request, and allocates nothing unless rules have names of a query, or several rules with `for` match.
   * @param protocol that the request switches to, as `upgradeFor` returned it
   * @param query of `queryOf`, here and below: one for all questions about a request, so that it is read once
   * @returns an empty list for everybody, null when no rule matches.
   */
  clientsFor(
    method: string,
    target: Target,
    protocol: string | null = null,
    query: QueryNames | null = this.queryOf(target),
  ): readonly string[] | null {
    const wanted = protocol === null ? null : protocol.toLowerCase()
    let clients: readonly string[] | null = null
    for (let i = 0; i < this.#rules.length; i++) {
      const rule = this.#rules[i] as CompiledRule
      if (!this.#matches(rule, target) || !rule.methods.has(method) || !matchesQuery(rule, query)) continue
      if (rule.upgrade !== wanted) continue
      if (rule.clients.length === 0) return rule.clients
      clients = clients === null ? rule.clients : [...clients, ...rule.clients]
    }
    return clients
  }

  /** Whether any rule lets a request switch protocols. */
  get hasUpgrades(): boolean {
    return this.#upgradeRules.length > 0
  }

  /**
   * The protocol that the request may switch to by a rule, for whichever client, as the rule writes it; null: none.
   * @param offered by the client, in lower case and in its order.
   */
  upgradeFor(method: string, target: Target, offered: readonly string[]): string | null {
    const query = this.queryOf(target)
    const rules = this.#upgradeRules.filter(
      (rule) => rule.methods.has(method) && this.#matches(rule, target) && matchesQuery(rule, query),
    )
    const protocol = offered.find((name) => rules.some(({ upgrade }) => upgrade === name))
    return rules.find(({ upgrade }) => upgrade === protocol)?.protocol ?? null
  }

  /**
   * Whether a rule with `long` is among those that allow the request to this client.
   * @param user the client that sent it; null: not known
   */
  isLong(method: string, target: Target, user: string | null): boolean {
    if (this.#longRules.length === 0) return false
    const query = this.queryOf(target)
    return this.#longRules.some(
      (rule) =>
        (rule.clients.length === 0 || (user !== null && rule.clients.includes(user))) &&
        rule.methods.has(method) &&
        this.#matches(rule, target) &&
        matchesQuery(rule, query),
    )
  }

  /**
   * The methods that are allowed for this path and query, sorted. Empty when no rule names them. A rule whose path
   * matches and whose query does not is not counted, because another method would be refused for the query as well.
   */
  methodsFor(target: Target, query: QueryNames | null = this.queryOf(target)): string[] {
    const rules = this.#rules.filter((rule) => this.#matches(rule, target) && matchesQuery(rule, query))
    return [...new Set(rules.flatMap(({ methods }) => [...methods]))].sort()
  }

  /**
   * The name in the query, clipped, because of which a rule for this path does not match; null when no rule names the path.
   */
  refusedName(
    method: string,
    target: Target,
    query: QueryNames | null = this.queryOf(target),
  ): string | null {
    const rules = this.#rules.filter((rule) => this.#matches(rule, target) && !matchesQuery(rule, query))
    const names = (rules.find(({ methods }) => methods.has(method)) ?? rules[0])?.query ?? null
    return names === null || query === null ? null : query.refusedName(names)
  }

  /**
   * The names of the query, for the rules: valid as long as the bytes of the request. It is not read yet, because most
   * requests match a rule without a condition on it, or have none.
   */
  queryOf({ query, queryFrom, queryTo }: Target): QueryNames | null {
    return this.#names === null ? null : new QueryNames(this.#names, query, queryFrom, queryTo)
  }

  #matches({ literals, tail, isPrefix }: CompiledRule, target: Target): boolean {
    const { path, from, to } = target
    // The end first: it differs soonest, and costs nothing when a segment before it is long.
    if (tail !== null && !endsWith(path, from, to, tail)) return false
    const isStrict = target.hasEncodedSlash && !this.isEncodedSlashAllowed
    let at = from
    for (let i = 0; i < literals.length; i++) {
      if (i > 0) {
        const end = segmentEnd(path, at, to)
        if (end === at || (isStrict && hasEncodedSlash(target, at, end))) return false
        at = end
      }
      const literal = literals[i] as Buffer
      if (!hasLiteral(path, at, to, literal)) return false
      at += literal.length
    }
    return isPrefix ? !isStrict || target.lastEncodedSlash < at : at === to
  }
}

/** @param query null: no rule has a condition on it. */
function matchesQuery({ query: names }: CompiledRule, query: QueryNames | null): boolean {
  return names === null || query === null || query.allowedBy(names)
}

function compile({ methods, path, query, upgrade, long, clients }: AllowRule): CompiledRule {
  const isPrefix = path.endsWith('/*')
  const parts = (isPrefix ? path.slice(0, -1) : path).split(/\{[^}]*\}/)
  const literals = parts.map((part) => Buffer.from(part))
  return {
    methods: new Set(methods.includes('GET') && upgrade === undefined ? [...methods, 'HEAD'] : methods),
    literals,
    tail: isPrefix || parts.length === 1 || parts.at(-1) === '' ? null : (literals.at(-1) ?? null),
    isPrefix,
    query: query === undefined ? null : new Set(query),
    long,
    upgrade: upgrade?.toLowerCase() ?? null,
    protocol: upgrade ?? null,
    clients,
  }
}

function hasLiteral(path: Buffer, at: number, to: number, literal: Buffer): boolean {
  if (to - at < literal.length) return false
  for (let i = 0; i < literal.length; i++) if (path[at + i] !== literal[i]) return false
  return true
}

function endsWith(path: Buffer, from: number, to: number, literal: Buffer): boolean {
  const start = to - literal.length
  if (start < from) return false
  for (let i = literal.length - 1; i >= 0; i--) if (path[start + i] !== literal[i]) return false
  return true
}

/** Up to here a loop is faster than `indexOf`. */
const SHORT_SEGMENT = 48

function segmentEnd(path: Buffer, start: number, to: number): number {
  const near = Math.min(to, start + SHORT_SEGMENT)
  let at = start
  while (at < near && path[at] !== SLASH) at++
  if (at < near || near === to) return at
  const found = path.indexOf(SLASH, at)
  return found === -1 || found > to ? to : found
}

/** Whether the segment `path[from, to)` has `%2F`. */
function hasEncodedSlash(
  { path, firstEncodedSlash, lastEncodedSlash }: Target,
  from: number,
  to: number,
): boolean {
  if (firstEncodedSlash >= to || lastEncodedSlash < from) return false
  if (firstEncodedSlash >= from || lastEncodedSlash < to) return true
  for (let at = from; at + 2 < to; at++)
    if (path[at] === PERCENT && path[at + 1] === TWO && path[at + 2] === LETTER_F) return true
  return false
}

const TWO = 0x32
const LETTER_F = 0x46
