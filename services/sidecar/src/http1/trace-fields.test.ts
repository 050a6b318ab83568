import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TraceContext } from '@uds-sidecar/shared/http/trace-context'
import { parseRequestHead } from './parse-request-head.ts'
import { traceOf } from './request-fields.ts'
import { RequestHead } from './request-head.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

function read(...fields: string[]): TraceContext | null {
  const bytes = Buffer.from(
    `GET / HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`,
  )
  const head = new RequestHead()
  assert.ok(parseRequestHead(head, bytes, 0, bytes.length) > 0)
  return traceOf(head, bytes)
}

/** What is sent on, without its new span. */
function passedOn(...fields: string[]): string | null {
  const trace = read(...fields)
  return trace === null ? null : trace.lines.replace(trace.ids.spanId, 'SPAN')
}

const CONTINUED: readonly (readonly [value: string, flags: string])[] = [
  [`00-${TRACE}-${PARENT}-01`, '01'],
  [`00-${TRACE}-${PARENT}-00`, '00'],
  [`00-${TRACE}-${PARENT}-03`, '03'],
  [`00-${TRACE}-${PARENT}-ff`, '03'],
  [`cc-${TRACE}-${PARENT}-01`, '01'],
  [`01-${TRACE}-${PARENT}-01-what-the-future-will-be-like`, '01'],
  [`00-${TRACE}-${PARENT}-01 \t `, '01'],
]

const DROPPED: readonly string[] = [
  '',
  `ff-${TRACE}-${PARENT}-01`,
  `00-${'0'.repeat(32)}-${PARENT}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${PARENT}-01`,
  `00-${TRACE}-${PARENT}-01-`,
  `00-${TRACE}-${PARENT}-01-more`,
  `cc-${TRACE}-${PARENT}-01.more`,
  `00-${TRACE}-${PARENT}-1`,
  `00-${TRACE}-${PARENT}-0G`,
  `0-${TRACE}-${PARENT}-01`,
  `00-${TRACE.slice(1)}-${PARENT}-01`,
  `00-${TRACE}-${PARENT}`,
  `00_${TRACE}_${PARENT}_01`,
  `00-${TRACE}-${PARENT}-01,00-${TRACE}-${PARENT}-01`,
]

describe('a traceparent', () => {
  for (const [value, flags] of CONTINUED)
    it(`goes on: ${JSON.stringify(value)}`, () => {
      assert.equal(passedOn(`traceparent: ${value}`), `traceparent: 00-${TRACE}-SPAN-${flags}\r\n`)
      assert.equal(read(`Traceparent: ${value}`)?.ids.parentSpanId, PARENT)
    })

  for (const value of DROPPED)
    it(`is dropped: ${JSON.stringify(value)}`, () => {
      assert.equal(read(`traceparent: ${value}`, 'tracestate: a=1'), null)
    })

  it('is dropped when there are two', () => {
    const line = `traceparent: 00-${TRACE}-${PARENT}-01`
    assert.equal(read(line, line), null)
  })

  it('has a new span each time, and a new trace where none goes on', () => {
    const traces = [...Array(100)].map(() => TraceContext.start())
    assert.equal(new Set(traces.map(({ ids }) => ids.traceId)).size, 100)
    assert.equal(new Set(traces.map(({ ids }) => ids.spanId)).size, 100)
    for (const { lines } of traces) assert.match(lines, /^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n$/)
  })
})

describe('a tracestate', () => {
  const parent = `traceparent: 00-${TRACE}-${PARENT}-01`
  const stateOf = (...states: string[]) =>
    /^tracestate: (.*)\r$/m.exec(
      passedOn(parent, ...states.map((state) => `tracestate: ${state}`)) ?? '',
    )?.[1]

  it('goes on with its traceparent, in one field', () => {
    assert.equal(stateOf('a=1'), 'a=1')
    assert.equal(stateOf('a=1', 'b=2'), 'a=1,b=2')
    assert.equal(
      stateOf(' congo=t61rcWkgMzE , ,\trojo=00f067aa0ba902b7'),
      'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
    )
    assert.equal(stateOf('1a@b_*/-=x y'), '1a@b_*/-=x y')
  })

  it('is dropped without one, and when it is malformed', () => {
    assert.equal(read('tracestate: a=1'), null)
    for (const state of ['', 'a', 'A=1', 'a=1,a=2', 'a=b=c', 'a=é', 'a=', '=1', `a=${'x'.repeat(257)}`])
      assert.equal(stateOf(state), undefined, state)
    const many = (count: number) => [...Array(count).keys()].map((i) => `k${i}=1`).join(',')
    assert.equal(stateOf(many(32)), many(32))
    assert.equal(stateOf(many(33)), undefined)
  })
})
