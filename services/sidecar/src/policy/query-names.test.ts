import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import { AllowList, type Target, targetOf } from './allow-list.ts'

function endOf(pattern: RegExp, text: string, from: number): number {
  const length = text.slice(from).search(pattern)
  return length === -1 ? text.length : from + length
}

/** Null: it has a `%` that begins no escape. */
function decoded(name: string): string | null {
  if (/%(?![0-9a-fA-F]{2})/.test(name)) return null
  const byteOf = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))
  return Buffer.from(name.replaceAll('+', ' ').replace(/%(..)/g, byteOf), 'latin1').toString('utf8')
}

/** Compares each name of the query with each of the rule. @returns the first that is not allowed, as it was sent; null: all are. */
function refusedBy(rule: readonly string[], query: string): string | null {
  const isAllowed = (from: number, to: number) => rule.includes(decoded(query.slice(from, to)) ?? '')
  const told = (at: number) => {
    const end = endOf(/[=&;]/, query, at)
    return query.slice(at, end === at || isAllowed(at, end) ? endOf(/[=&]/, query, at) : end)
  }
  if (rule.length === 0) return query === '' ? null : told(0)
  let isWhole = true
  for (let at = 0; at < query.length; ) {
    const end = endOf(/[=&;]/, query, at)
    const next = endOf(/[&;]/, query, end)
    if (next > at && !isAllowed(at, end)) return told(at)
    if (isWhole && query[end] === ';' && !isAllowed(at, endOf(/[=&]/, query, at))) return told(at)
    isWhole = query[next] === '&'
    at = next + 1
  }
  return null
}

function listOf(rules: readonly (readonly string[])[]): AllowList {
  return new AllowList(
    rules.map((query, index) => ({
      methods: [methodOf(index)],
      path: '/x',
      query,
      long: false,
      clients: [`client-${index}`],
    })),
  )
}

function methodOf(index: number): string {
  return `M${'-'.repeat(index)}`
}

function targetWith(query: string): Target {
  const head = new RequestHead()
  const bytes = Buffer.from(`..GET /x?${query} HTTP/1.1\r\nHost: a\r\n\r\n`)
  assert.equal(parseRequestHead(head, bytes, 2, bytes.length), bytes.length, query)
  return targetOf(head, bytes)
}

const NAMES = ['a', 'b', 'ab', 'a;b', 'b c', 'é', 'x[]', 'p&q', 't=u', 'v+w', '%', 'constructor'] as const
const SPELLINGS = [
  ...NAMES.map(encodeURIComponent),
  ...['x[]', 'b+c', '%61', '%c3%a9', 'A', '', 'evil', '%', '%6', '%zz', '%C3', '%00', '?', '__proto__'],
]
const PIECES = [...SPELLINGS.map((name) => `${name}=1`), ...SPELLINGS, '=', '==', '=a;b']

const rules = fc.array(fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 5 }), {
  minLength: 1,
  maxLength: 6,
})
const queries = fc
  .array(fc.tuple(fc.constantFrom(...PIECES), fc.constantFrom('&', ';', '&&', ';;', '', '&;')), {
    maxLength: 8,
  })
  .map((pieces) => pieces.flat().join(''))
/** Most random queries have a name that no rule has: these have only names of the first rule. */
const queriesOfARule = fc
  .tuple(rules, fc.array(fc.tuple(fc.nat(), fc.constantFrom('&', ';')), { maxLength: 8 }))
  .map(
    ([list, picks]) =>
      [
        list,
        picks
          .map(
            ([pick, separator]) =>
              `${encodeURIComponent(list[0]?.[pick % list[0].length] ?? '')}=1${separator}`,
          )
          .join(''),
      ] as const,
  )

function assertSame(list: readonly (readonly string[])[], query: string): void {
  const allowList = listOf(list)
  const target = targetWith(query)
  for (const [index, rule] of list.entries()) {
    const refused = refusedBy(rule, query)
    const clients = allowList.clientsFor(methodOf(index), target)
    assert.deepEqual(clients, refused === null ? [`client-${index}`] : null, `?${query} by ${rule}`)
    if (refused !== null)
      assert.equal(allowList.refusedName(methodOf(index), target), refused, `?${query} by ${rule}`)
  }
  const matching = list.flatMap((rule, index) => (refusedBy(rule, query) === null ? [methodOf(index)] : []))
  assert.deepEqual(allowList.methodsFor(target), matching)
}

describe('rules with names of a query', () => {
  it('allow and refuse what they would if each name were compared with each', () => {
    fc.assert(fc.property(rules, queries, assertSame), { numRuns: 2_000 })
    fc.assert(
      fc.property(queriesOfARule, ([list, query]) => assertSame(list, query)),
      { numRuns: 1_000 },
    )
  })

  it('tell names apart that have the same hash', () => {
    // The hash of this name is 0, and stays 0 with any number of NUL bytes behind it.
    assert.ok(!listOf([['akhnp9x']]).allows('M', targetWith('akhnp9x%00')))
    assert.ok(listOf([['akhnp9x']]).allows('M', targetWith('akhnp9x')))
    assert.ok(!listOf([['7yzx']]).allows('M', targetWith('e6ad')))
    const both = listOf([['7yzx'], ['e6ad'], ['e6ad', '7yzx']])
    assert.deepEqual(both.methodsFor(targetWith('7yzx')), ['M', 'M--'])
    assert.deepEqual(both.methodsFor(targetWith('e6ad')), ['M-', 'M--'])
    assert.deepEqual(both.methodsFor(targetWith('e6ad&7yzx')), ['M--'])
  })
})
