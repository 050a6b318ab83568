import assert from 'node:assert/strict'
import { Session } from 'node:inspector/promises'
import { describe, it } from 'node:test'
import type { ResponseTaker } from '../relay/response-taker.ts'

/**
 * Counts how often any block of the relay's code runs, with the coverage counters of V8. Unlike a time, the count does not
 * depend on other load on the machine. V8 only counts in code that it compiles afterwards, so the modules are imported
 * after the profiler has started.
 */
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
const { PartialHead } = await import('./partial-head.ts')
const { ResponseReader } = await import('../relay/response-reader.ts')
const { Peer } = await import('../relay/connection-limits.ts')
const { INCOMPLETE } = await import('./fields.ts')
const { parseRequestHead } = await import('./parse-request-head.ts')
const { RequestHead } = await import('./request-head.ts')
const { HEADROOM } = await import('./rewrite-response.ts')
const { AllowList, targetOf } = await import('../policy/allow-list.ts')
const { parseRule } = await import('../policy/rule.ts')

async function stepsOf(work: () => void): Promise<number> {
  await session.post('Profiler.takePreciseCoverage') // resets the counters
  work()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  return result
    .filter(({ url }) => /\/sidecar\/src\/(http1|policy)\//.test(url) && !url.endsWith('.test.ts'))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
    .reduce((sum, count) => sum + count, 0)
}

const RULES = { maxFields: 1_024, passFields: new Set<string>() }

function parse(text: string): void {
  const bytes = Buffer.from(text, 'latin1')
  parseRequestHead(new RequestHead(), bytes, 0, bytes.length, RULES)
}

/** Like a client connection that receives one byte at a time. */
function parseByteByByte(text: string): void {
  const bytes = Buffer.from(text, 'latin1')
  const partial = new PartialHead(bytes, 0, 1)
  const head = new RequestHead()
  let position: number = INCOMPLETE
  for (let at = 1; at < bytes.length && position === INCOMPLETE; at++)
    if (partial.append(bytes, at, at + 1))
      position = parseRequestHead(head, partial.bytes, 0, partial.length, RULES)
}

const TAKER: ResponseTaker = {
  method: 'GET',
  minor: 1,
  peer: new Peer(''),
  isRequestDone: true,
  needsFresh: false,
  isTunnel: false,
  isUnbounded: false,
  takeSwitch: () => null,
  switched: () => undefined,
  stalledMs: () => 0,
  giveUpSlow: () => undefined,
  begin: () => undefined,
  takeInterim: () => undefined,
  takeHead: () => undefined,
  takeBody: () => undefined,
  finish: () => undefined,
  fail: () => undefined,
  requestDrained: () => undefined,
  dialled: () => undefined,
}

function readResponse(text: string, pieceBytes: number): void {
  const bytes = Buffer.concat([Buffer.alloc(HEADROOM), Buffer.from(text, 'latin1')])
  const reader = new ResponseReader('upstream', {
    responseHeadBytes: 2 ** 22,
    responseBytes: 2 ** 22,
    fields: 1_024,
  })
  reader.start()
  for (let at = HEADROOM; at < bytes.length; at += pieceBytes)
    reader.read(bytes, at, Math.min(at + pieceBytes, bytes.length), TAKER)
}

function headOf(lines: string[]): string {
  return ['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n')
}

const alternating = (count: number) => Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 'a:' : 'b:'))
/** A Connection field with about this many bytes of options. */
const options = (bytes: number) => `Connection: ${'a,'.repeat(bytes / 2)}a`

/** Heads that are expensive when each option, line or byte is compared with every other, by their size in bytes. */
const HEADS: Record<string, (bytes: number) => string> = {
  'many options and many lines': (bytes) =>
    headOf([...alternating(Math.min(bytes / 8, 1_000)), options(bytes / 2)]),
  'many lines that Connection names': (bytes) =>
    headOf([`Connection: ${'a,'.repeat(31)}b`, ...alternating(Math.min(bytes / 4, 1_000))]),
  'many Connection lines': (bytes) =>
    headOf(Array(Math.min(Math.floor(bytes / 15), 1_000)).fill('Connection: a')),
  'one long value': (bytes) => headOf([`A: ${'x'.repeat(bytes)}`]),
  'one long name': (bytes) => headOf([`${'x'.repeat(bytes)}: a`]),
  'a long target': (bytes) => `GET /${'%41'.repeat(bytes / 3)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'a long target that grows in its normal form': (bytes) =>
    `GET /${'['.repeat(bytes)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'many segments that begin like dot segments': (bytes) =>
    `GET ${'/%2e.a'.repeat(bytes / 6)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'many dropped fields': (bytes) =>
    headOf(Array(Math.min(Math.floor(bytes / 18), 1_000)).fill('X-Forwarded-A: b')),
}

const SMALL = 8_192
const LARGE = 4 * SMALL
/** The most steps per byte of the larger head: a name is compared with a few others, a line with 32 options. */
const MAX_STEPS_PER_BYTE = 60

async function assertLinear(work: (text: string) => void, make: (bytes: number) => string): Promise<void> {
  const [small, large] = [make(SMALL), make(LARGE)]
  const few = await stepsOf(() => work(small))
  const many = await stepsOf(() => work(large))
  const growth = large.length / small.length
  assert.ok(few > 0, 'no step was counted')
  assert.ok(
    many <= few * growth * 1.5 + 10_000,
    `${few} steps for ${small.length} bytes, ${many} for ${large.length}`,
  )
  assert.ok(many <= large.length * MAX_STEPS_PER_BYTE, `${many} steps for ${large.length} bytes`)
}

describe('the cost of parsing a head is linear in its size', () => {
  for (const [what, make] of Object.entries(HEADS)) {
    it(`of a request with ${what}`, () => assertLinear(parse, make))
    it(`of a request with ${what} that arrives byte by byte`, () => assertLinear(parseByteByByte, make))
  }

  const response = (bytes: number) =>
    `HTTP/1.1 200 OK\r\n${options(bytes / 2)}\r\n${alternating(Math.min(bytes / 8, 900)).join('\r\n')}\r\nA: ${'x'.repeat(bytes / 2)}\r\n\r\n`
  it('of a response', () => assertLinear((text) => readResponse(text, text.length), response))
  it('of a response that arrives byte by byte', () => assertLinear((text) => readResponse(text, 1), response))
})

/** Counts the steps of matching one request, which no rule allows, against the rules. */
async function stepsToMatch(rules: readonly string[], target: string): Promise<number> {
  const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const head = new RequestHead()
  assert.ok(parseRequestHead(head, bytes, 0, bytes.length, RULES) > 0)
  const list = new AllowList(rules.map(parseRule).filter((rule) => typeof rule !== 'string'))
  return stepsOf(() => assert.equal(list.allows('GET', targetOf(head, bytes)), false))
}

describe('the cost of matching rules is linear', () => {
  const names = Array.from({ length: 32 }, (_, index) => `n${index}`).join('&')
  const cases: Record<string, [rule: (index: number) => string, target: (length: number) => string]> = {
    'paths with a long common beginning': [
      (index) => `GET /${'a'.repeat(50)}/${index}`,
      () => `/${'a'.repeat(50)}/x`,
    ],
    'segments with any name': [() => `GET ${'/{a}'.repeat(20)}/x`, (length) => '/b'.repeat(20 + length)],
    'encoded slashes': [() => 'GET /*', (length) => `/${'%2F'.repeat(length)}`],
    'names of a query': [() => `GET /* ?${names}`, (length) => `/?${'n31=1&'.repeat(length)}x`],
  }
  for (const [what, [rule, target]] of Object.entries(cases))
    it(`in rules and in the target: ${what}`, async () => {
      const rules = (count: number) => Array.from({ length: count }, (_, index) => rule(index))
      const few = await stepsToMatch(rules(50), target(50))
      const manyRules = await stepsToMatch(rules(200), target(50))
      const longTarget = await stepsToMatch(rules(50), target(200))
      assert.ok(few > 50, `${few} steps`)
      assert.ok(manyRules <= few * 4 * 1.5, `${few} steps with 50 rules, ${manyRules} with 200`)
      assert.ok(
        longTarget <= few * 4 * 1.5,
        `${few} steps for a target, ${longTarget} for one four times as long`,
      )
    })

  it('and does not grow with both: a long path is not read again for each rule', async () => {
    const rules = Array.from({ length: 100 }, (_, index) => [
      `GET /{a}/${index}`,
      `GET /{a}/${index}/*`,
    ]).flat()
    for (const target of [`/${'x'.repeat(15_000)}`, `/x/${'x'.repeat(15_000)}%2F`]) {
      const steps = await stepsToMatch(rules, target)
      assert.ok(steps <= rules.length * 200, `${steps} steps for ${rules.length} rules`)
    }
  })

  it('and does not grow with both: a long query is not read again for each rule', async () => {
    const query = 'n31=1&'.repeat(2_000)
    const others = names.replace('n0&', '')
    const alone = await stepsToMatch([`GET /x ?${others}`], `/x?${query}n0`)
    const rules = Array.from({ length: 500 }, (_, index) => `GET /x ?own${index}&${others}`)
    const steps = await stepsToMatch([...rules, 'PUT /x ?n0'], `/x?${query}n0`)
    assert.ok(
      steps <= alone + rules.length * 100,
      `${steps} steps for ${rules.length} rules, ${alone} for one`,
    )
  })

  it('and does not grow with the names that a rule has', async () => {
    const few = await stepsToMatch(['GET /x ?n31'], `/x?${'n31=1&'.repeat(2_000)}x`)
    const many = await stepsToMatch([`GET /x ?${names}`], `/x?${'n31=1&'.repeat(2_000)}x`)
    assert.ok(many <= few * 1.2, `${few} steps with 1 name, ${many} with 32`)
  })

  it('and ends at more different names than any rule has', async () => {
    const rules = Array.from({ length: 500 }, (_, index) => `GET /x ?own${index}`)
    const few = await stepsToMatch(rules, '/x?own0&own1')
    const query = Array.from({ length: 500 }, (_, index) => `own${index}`).join('&')
    const many = await stepsToMatch(rules, `/x?${query}`)
    assert.ok(many <= few * 1.2, `${few} steps for 2 names, ${many} for 500`)
  })
})
