import { isNormalPath } from './normal-path.ts'

export const RULE_PATTERN =
  /^(?<methods>[A-Z][A-Z-]{0,23}(?:\|[A-Z][A-Z-]{0,23})*) (?<path>\/[\w.~!$&'()*+,;=:@%/-]*|\*)$/

export const ALLOW_GRAMMAR =
  'may be methods and a path, such as GET /metrics or GET|POST /visits; a path that ends with /* stands for all below'

/** Reads `GET /metrics`, `GET|POST /visits`, `GET /files/*` or `OPTIONS *`; undefined for any other text. */
export function parseAllowRule(text: string): AllowRule | undefined {
  const { methods, path } = RULE_PATTERN.exec(text)?.groups ?? {}
  if (methods === undefined || path === undefined) return undefined
  const fixed = path.endsWith('/*') ? path.slice(0, -1) : path
  const isStarElsewhere = path !== '*' && fixed.includes('*')
  if (isStarElsewhere || !isNormalPath(Buffer.from(fixed), 0, fixed.length)) return undefined
  return { methods: methods.split('|'), path }
}

/** One entry of a route's allow list. */
export interface AllowRule {
  /** GET stands for HEAD too, which reveals less. */
  readonly methods: readonly string[]
  /** An exact path, or one that ends with `/*` and stands for everything below. */
  readonly path: string
}

interface CompiledRule {
  readonly methods: ReadonlySet<string>
  readonly path: Buffer
  readonly isPrefix: boolean
}

/** Finds what a route allows for a path; everything that no rule names is refused. */
export class AllowList {
  readonly #rules: readonly CompiledRule[]

  constructor(rules: readonly AllowRule[]) {
    this.#rules = rules.map(compile)
  }

  /** Whether `method` may be used for the path in `bytes[from, to)`: the way of nearly every request. */
  allows(method: string, bytes: Buffer, from: number, to: number): boolean {
    for (let i = 0; i < this.#rules.length; i++) {
      const rule = this.#rules[i] as CompiledRule
      if (matches(rule, bytes, from, to) && rule.methods.has(method)) return true
    }
    return false
  }

  /** The methods that would be allowed for the path; empty: no rule names it. */
  methodsFor(bytes: Buffer, from: number, to: number): string[] {
    const rules = this.#rules.filter((rule) => matches(rule, bytes, from, to))
    return [...new Set(rules.flatMap(({ methods }) => [...methods]))].sort()
  }
}

function compile({ methods, path }: AllowRule): CompiledRule {
  const isPrefix = path.endsWith('/*')
  return {
    methods: new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods),
    path: Buffer.from(isPrefix ? path.slice(0, -1) : path),
    isPrefix,
  }
}

function matches({ path, isPrefix }: CompiledRule, bytes: Buffer, from: number, to: number): boolean {
  const length = to - from
  if (isPrefix ? length < path.length : length !== path.length) return false
  for (let i = 0; i < path.length; i++) if (bytes[from + i] !== path[i]) return false
  return true
}
