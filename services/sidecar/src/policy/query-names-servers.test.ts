import assert from 'node:assert/strict'
import { parse } from 'node:querystring'
import { describe, it } from 'node:test'
import { KnownNames, QueryNames } from './query-names.ts'

const ALLOWED = ['a', 'b c', 'é', 'x[]', 'p&q', 'r;s', 't=u', 'v+w'] as const

/** What servers take for the names of a query. */
const SERVERS: Readonly<Record<string, (query: string) => string[]>> = {
  'URLSearchParams (browsers, Node, Deno)': (query) => [...new URLSearchParams(query).keys()],
  'node:querystring (Express)': (query) => Object.keys(parse(query)),
  'one for which ; separates too (Python before 3.10, Perl)': (query) =>
    query.split(/[&;]/).flatMap((piece) => [...new URLSearchParams(piece.replaceAll(';', '%3B')).keys()]),
}

const BYTES = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).padStart(2, '0')}`)
const PIECES = [
  'a',
  '=1',
  '&',
  ';',
  '+',
  'b',
  'c',
  '%20',
  '%26',
  '%3B',
  '%3d',
  '%2B',
  '%61',
  '%',
  'amp',
  '?',
  'é',
  'x[]',
]

const QUERIES = [
  ...BYTES.flatMap((code) => [`${code}=1`, `a${code}=1`, `a=1${code}evil=1`, `${code}a`, `a=${code}&b+c`]),
  ...PIECES.flatMap((one) => PIECES.flatMap((two) => PIECES.map((three) => `a=1${one}${two}${three}=2`))),
  ...PIECES.flatMap((one) => PIECES.flatMap((two) => PIECES.map((three) => `${one}${two}${three}`))),
]

function allows(names: readonly string[], query: string): boolean {
  const bytes = Buffer.from(`?${query}`)
  const rule = new Set(names)
  return new QueryNames(new KnownNames([rule]), bytes, 0, bytes.length).allowedBy(rule)
}

describe('a query that passes', () => {
  const passing = QUERIES.filter((query) => allows(ALLOWED, query))

  for (const [server, namesOf] of Object.entries(SERVERS))
    it(`has no other name for ${server}`, () => {
      assert.ok(passing.length > 500 && passing.length < QUERIES.length / 2, `${passing.length} pass`)
      for (const query of passing) {
        const odd = namesOf(query).filter(
          (name) => name !== '' && !ALLOWED.some((allowed) => allowed === name),
        )
        assert.deepEqual(odd, [], query)
      }
    })
})

it('each allowed name passes in each of its spellings', () => {
  for (const name of ALLOWED) {
    const escaped = [...Buffer.from(name)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
    for (const spelling of [
      encodeURIComponent(name),
      escaped,
      escaped.toUpperCase(),
      `${new URLSearchParams([[name, '']])}`,
    ])
      for (const query of [spelling, `a&${spelling}`, `a=1;${spelling}`, `&&${spelling}&`])
        assert.ok(allows(ALLOWED, query), query)
  }
})

it('no query passes with ? alone, not even separators', () => {
  for (const query of ['a', '&', ';', '=', '%61', '+']) assert.equal(allows([], query), false, query)
  assert.equal(allows([], ''), true)
})
