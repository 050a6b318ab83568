/**
 * What the rules of a route cost per request: `node bench/src/programs/rule-cost.ts`. Each figure is that of the fastest of
 * five loops that parse a head and look for its rule.
 */
import { parseRequestHead } from '../../../services/sidecar/src/http1/parse-request-head.ts'
import { RequestHead } from '../../../services/sidecar/src/http1/request-head.ts'
import { AllowList, targetOf } from '../../../services/sidecar/src/policy/allow-list.ts'
import { parseRule } from '../../../services/sidecar/src/policy/rule.ts'

const RULES = 1_000
const LOOPS = 5
const HEAD_RULES = { maxFields: 128, passFields: new Set<string>() }

function listOf(ruleOf: (index: number) => string, count = RULES): AllowList {
  const rules = Array.from({ length: count }, (_, index) => parseRule(ruleOf(index)))
  return new AllowList(
    rules.map((rule) => {
      if (typeof rule === 'string') throw new Error(rule)
      return rule
    }),
  )
}

/** @returns microseconds for one request */
function costOf(list: AllowList, target: string, times: number): number {
  const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const head = new RequestHead()
  let bestMs = Number.POSITIVE_INFINITY
  for (let loop = 0; loop < LOOPS; loop++) {
    const startedMs = performance.now()
    for (let i = 0; i < times; i++) {
      if (parseRequestHead(head, bytes, 0, bytes.length, HEAD_RULES) < 0)
        throw new Error(`refused: ${target}`)
      list.clientsFor(head.method, targetOf(head, bytes))
    }
    bestMs = Math.min(bestMs, performance.now() - startedMs)
  }
  return (bestMs / times) * 1_000
}

const usual = (index: number) => `GET /api/v1/resource-${index}/{id}`
const names = Array.from({ length: 32 }, (_, index) => `name${index}`).join('&')
const long = 'x'.repeat(15_000)
const query = 'name31=1&'.repeat(1_600)
/** Each rule has the same 31 names and one of its own. */
const similar = (index: number) => `GET /x ?${names.replace('name31', `own${index}`)}`
const mixed = `${names.replace('name31', '').repeat(61)}own999`

const ROWS: readonly (readonly [what: string, list: AllowList, target: string, times: number])[] = [
  ['1 rule', listOf(usual, 1), '/api/v1/resource-0/7', 20_000],
  ['1,000 rules, the first matches', listOf(usual), '/api/v1/resource-0/7', 20_000],
  ['1,000 rules, the last matches', listOf(usual), '/api/v1/resource-999/7', 2_000],
  ['1,000 rules, none matches', listOf(usual), '/api/v1/other/7', 2_000],
  [
    '1,000 rules /{version}/resource-N, a path of 15 kB',
    listOf((i) => `GET /{version}/resource-${i}`),
    `/${long}/other`,
    20,
  ],
  ['1,000 rules /{a}/{b}/N, a path of 15 kB', listOf((i) => `GET /{a}/{b}/${i}`), `/${long}/b/other`, 20],
  [
    '1,000 rules /%2FN/*, a path of 15 kB of %2F',
    listOf((i) => `GET /%2F${i}/*`),
    `/${'%2F'.repeat(5_000)}`,
    20,
  ],
  [
    '1 rule with 32 names of a query, a query of 14 kB',
    listOf(() => `GET /x ?${names}`, 1),
    `/x?${query}`,
    20,
  ],
  [
    '10 rules for one path with 32 names each, a query of 14 kB that none allows',
    listOf(() => `GET /x ?${names}`, 10),
    `/x?${query}evil`,
    20,
  ],
  [
    '1,000 rules for one path with 32 names each, a query of 14 kB that none allows',
    listOf(() => `GET /x ?${names}`),
    `/x?${query}evil`,
    20,
  ],
  [
    '1,000 rules for one path with 31 names in common, a query of 14 kB with these and that of the last rule',
    listOf(similar),
    `/x?${mixed}`,
    20,
  ],
]

for (const [what, list, target, times] of ROWS)
  process.stdout.write(`${what}: ${costOf(list, target, times).toFixed(1)} µs\n`)
