import { PERCENT, SLASH } from '../http1/bytes.ts'
import { HAS_ENCODED_SLASH } from '../http1/normal-path.ts'
import type { RequestHead, RequestTarget } from '../http1/request-head.ts'
import { QueryNames } from './query-names.ts'
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
  return target
}

const IMPLIED = { '/': Buffer.from('/'), '*': Buffer.from('*') } as const

export type Target = Readonly<RequestTarget>

interface CompiledRule {
  readonly methods: ReadonlySet<string>
  /** What stands before, between and after the `{name}` segments. */
  readonly literals: readonly Buffer[]
  readonly isPrefix: boolean
  /** Null: any query. */
  readonly query: QueryNames | null
}

/**
 * The requests that a route allows. Whatever no rule names is refused. The rules are tried one after the other, and each
 * reads the path and the query once: the cost is linear in all three.
 */
export class AllowList {
  readonly #rules: readonly CompiledRule[]
  /** Whether `{name}` and `/*` match a `%2F` too, as data. A literal with `%2F` always does. */
  readonly isEncodedSlashAllowed: boolean

  constructor(rules: readonly AllowRule[], encodedSlash: 'refuse' | 'allow' = 'refuse') {
    this.#rules = rules.map(compile)
    this.isEncodedSlashAllowed = encodedSlash === 'allow'
  }

  /** Whether a rule allows `method` for this path and query. Runs for every request and allocates nothing. */
  allows(method: string, target: Target): boolean {
    for (let i = 0; i < this.#rules.length; i++) {
      const rule = this.#rules[i] as CompiledRule
      if (this.#matches(rule, target) && rule.methods.has(method) && matchesQuery(rule, target)) return true
    }
    return false
  }

  /**
   * The methods that are allowed for this path and query, sorted. Empty when no rule names them. A rule whose path
   * matches and whose query does not is not counted, because another method would be refused for the query as well.
   */
  methodsFor(target: Target): string[] {
    const rules = this.#rules.filter((rule) => this.#matches(rule, target) && matchesQuery(rule, target))
    return [...new Set(rules.flatMap(({ methods }) => [...methods]))].sort()
  }

  /**
   * The name in the query, clipped, because of which a rule for this path does not match; null when no rule names the path.
   */
  refusedName(method: string, target: Target): string | null {
    const rules = this.#rules.filter((rule) => this.#matches(rule, target) && !matchesQuery(rule, target))
    const rule = rules.find(({ methods }) => methods.has(method)) ?? rules[0]
    return rule?.query?.refusedName(target.query, target.queryFrom, target.queryTo) ?? null
  }

  #matches({ literals, isPrefix }: CompiledRule, { path, from, to, hasEncodedSlash }: Target): boolean {
    const mayHaveSlash = this.isEncodedSlashAllowed || !hasEncodedSlash
    let at = from
    for (let i = 0; i < literals.length; i++) {
      if (i > 0) {
        const end = segmentEnd(path, at, to, mayHaveSlash)
        if (end === at) return false
        at = end
      }
      const literal = literals[i] as Buffer
      if (!hasLiteral(path, at, to, literal)) return false
      at += literal.length
    }
    return isPrefix ? mayHaveSlash || !findsEncodedSlash(path, at, to) : at === to
  }
}

function matchesQuery({ query }: CompiledRule, target: Target): boolean {
  return query === null || query.allows(target.query, target.queryFrom, target.queryTo)
}

function compile({ methods, path, query }: AllowRule): CompiledRule {
  const isPrefix = path.endsWith('/*')
  return {
    methods: new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods),
    literals: (isPrefix ? path.slice(0, -1) : path).split(/\{[^}]*\}/).map((literal) => Buffer.from(literal)),
    isPrefix,
    query: query === undefined ? null : new QueryNames(query),
  }
}

function hasLiteral(path: Buffer, at: number, to: number, literal: Buffer): boolean {
  if (to - at < literal.length) return false
  for (let i = 0; i < literal.length; i++) if (path[at + i] !== literal[i]) return false
  return true
}

/** @returns where the segment at `start` ends; `start` when it is empty or has an encoded slash that it may not have. */
function segmentEnd(path: Buffer, start: number, to: number, mayHaveSlash: boolean): number {
  let at = start
  while (at < to && path[at] !== SLASH) at++
  return mayHaveSlash || !findsEncodedSlash(path, start, at) ? at : start
}

/** Whether `path[from, to)`, in normal form, has `%2F`. */
function findsEncodedSlash(path: Buffer, from: number, to: number): boolean {
  for (let at = from; at + 2 < to; at++)
    if (path[at] === PERCENT && path[at + 1] === TWO && path[at + 2] === LETTER_F) return true
  return false
}

const TWO = 0x32
const LETTER_F = 0x46
