import type { AllowRule } from './allow-list.ts'
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
