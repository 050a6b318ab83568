import * as v from 'valibot'
import type { AllowRule } from '../http/allow/allow-list.ts'
import { ALLOW_GRAMMAR, parseAllowRule, RULE_PATTERN } from '../http/allow/parse-allow-rule.ts'

/** One rule of `allow`, which must be one that a request can meet. */
export const allowRule = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, AllowRule>(({ dataset, addIssue, NEVER }) => {
    const rule = typeof dataset.value === 'string' ? parseAllowRule(dataset.value) : undefined
    const mistake = rule === undefined ? ALLOW_GRAMMAR : mistakeIn(rule)
    if (rule !== undefined && mistake === undefined) return rule
    addIssue({ message: mistake ?? ALLOW_GRAMMAR })
    return NEVER
  }),
  v.metadata({
    json: { type: 'string', pattern: RULE_PATTERN.source, description: `Each ${ALLOW_GRAMMAR}.` },
  }),
)

/** What the grammar lets through, and no request is ever relayed for. */
function mistakeIn({ methods, path }: AllowRule): string | undefined {
  if (methods.includes('CONNECT')) return 'may be any method but CONNECT, which kind: http does not relay'
  if (path === '*' && methods.some((method) => method !== 'OPTIONS'))
    return 'may have the path * with OPTIONS alone (RFC 9110 section 9.3.7)'
  return undefined
}
