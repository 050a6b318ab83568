import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { ChosenHostUnknown } from '../egress/egress-denied.ts'
import { configFrom } from '../testing/sidecar-with.ts'
import { blame, History, INTERVAL_MS, INTERVALS_KEPT, quantile } from './history.ts'
import { FAILURES_KEPT } from './recent-events.ts'
import { LATENCY_BOUNDS, REASONS, RouteCounters } from './route-counters.ts'

const { routes } = configFrom(`routes:
  - {name: web, kind: http, listen: "tcp://127.0.0.1:1", upstream: "unix:/a", allow: [GET /]}
  - {name: echo, kind: stream, listen: "tcp://127.0.0.1:2", upstream: "unix:/b"}`)
const [web, echo] = routes

/** A history of one route with a clock that the test moves. */
function historyOf(route = web) {
  assert.ok(route)
  const counters = new RouteCounters()
  let nowMs = 1_000
  const history = new History(
    () => [{ route, counters }],
    () => nowMs,
  )
  return {
    counters,
    intervals: () => history.of({ route, counters }),
    wait(ms: number) {
      nowMs += ms
    },
    nextInterval() {
      nowMs += INTERVAL_MS
      history.sample()
    },
    [Symbol.dispose]: () => history[Symbol.dispose](),
  }
}

describe('the history of a route', () => {
  it('has what happened in each interval, and the one that runs now last', () => {
    using past = historyOf()
    past.counters.responded('GET', 200, 3)
    past.counters.responded('GET', 502, 3)
    past.counters.fail('upstream_reset')
    past.nextInterval()
    past.counters.responded('GET', 200, 3)
    past.counters.fail('path_not_allowed')
    past.counters.connectionsOpen = 7
    past.wait(5_000)
    const [first, running, ...others] = past.intervals()
    assert.deepEqual(others, [])
    assert.equal(first?.requests, 2)
    assert.deepEqual(first && blame(first), { failed: 1, refused: 0 })
    assert.equal(running?.requests, 1)
    assert.deepEqual(running && blame(running), { failed: 0, refused: 1 })
    assert.deepEqual([...(running?.failures ?? [])], [['path_not_allowed', 1]])
    assert.equal(running?.connections, 7)
    assert.deepEqual([first?.startMs, first?.endMs, running?.endMs], [1_000, 16_000, 21_000])
  })

  it('is not changed by a look at it', () => {
    using past = historyOf()
    past.counters.responded('GET', 200, 3)
    past.intervals()
    past.wait(1_000)
    assert.equal(past.intervals().at(-1)?.requests, 1)
    assert.equal(past.intervals().length, 1)
  })

  it('keeps 15 minutes', () => {
    using past = historyOf()
    for (let count = 0; count < INTERVALS_KEPT + 5; count++) past.nextInterval()
    const intervals = past.intervals()
    assert.equal(intervals.length, INTERVALS_KEPT + 1)
    assert.equal((intervals.at(-1)?.endMs ?? 0) - (intervals[0]?.startMs ?? 0), 15 * 60_000)
  })

  it('counts connections of a stream route, which has no requests', () => {
    using past = historyOf(echo)
    past.counters.connected(undefined)
    past.counters.connected(undefined)
    assert.equal(past.intervals().at(-1)?.requests, 2)
  })

  it('does not take connections of an HTTP route for requests', () => {
    using past = historyOf()
    past.counters.connected(undefined)
    assert.equal(past.intervals().at(-1)?.requests, 0)
  })

  it('begins a route that a reload adds within the interval that runs', () => {
    using past = historyOf()
    past.nextInterval()
    assert.ok(web)
    const later = new RouteCounters()
    const history = new History(
      () => [{ route: web, counters: later }],
      () => 50_000,
    )
    later.responded('GET', 200, 1)
    assert.deepEqual(
      history.of({ route: web, counters: later }).map(({ requests }) => requests),
      [1],
    )
    history[Symbol.dispose]()
  })
})

describe('a name that a client chose, and that does not exist', () => {
  const cause = new Failure('host_unknown', { message: 'no such name', hint: 'join its network' })

  it('counts as refused in its interval, beside one that an upstream should have', () => {
    using past = historyOf()
    const { counters } = past
    counters.fail(new ChosenHostUnknown(cause))
    counters.fail(new ChosenHostUnknown(cause))
    counters.fail(cause)
    past.nextInterval()
    counters.fail(new ChosenHostUnknown(cause))
    assert.deepEqual(past.intervals().map(blame), [
      { failed: 1, refused: 2 },
      { failed: 0, refused: 1 },
    ])
    assert.deepEqual(
      [counters.recent.failed.length, counters.recent.refused.length, counters.recent.failed[0]?.hint],
      [1, 3, 'join its network'],
    )
  })
})

describe('the last failures of a route', () => {
  it('are 20 of the upstream, which refused requests do not push out', () => {
    const { recent, ...counters } = new RouteCounters()
    void counters
    for (let count = 0; count < 30; count++) recent.add('upstream_reset', true)
    for (let count = 0; count < 1_000; count++) recent.add('path_not_allowed', false)
    assert.equal(recent.failed.length, FAILURES_KEPT)
    assert.equal(recent.refused.length, FAILURES_KEPT)
    assert.ok(recent.failed.every(({ code }) => code === 'upstream_reset'))
  })

  it('have a text also where only a code is known', () => {
    const counters = new RouteCounters()
    for (const code of REASONS) counters.fail(code)
    for (const { detail } of [...counters.recent.failed, ...counters.recent.refused])
      assert.notEqual(detail, '')
  })
})

describe('a quantile of latencies', () => {
  const counts = (...pairs: readonly (readonly [bound: number, count: number])[]) => {
    const bounds: readonly number[] = LATENCY_BOUNDS
    const all = new Float64Array(LATENCY_BOUNDS.length + 1)
    for (const [bound, count] of pairs) {
      const index = bounds.indexOf(bound)
      all[index === -1 ? LATENCY_BOUNDS.length : index] = count
    }
    return all
  }
  for (const [what, q, buckets, expected] of [
    ['of nothing is null', 0.5, counts(), null],
    ['in the first bucket begins at 0', 0.5, counts([0.0005, 10]), 0.00025],
    ['is estimated within its bucket', 0.5, counts([0.01, 10]), 0.0075],
    ['at the end of a bucket is its bound', 0.5, counts([0.01, 5], [1, 5]), 0.01],
    ['skips empty buckets', 0.99, counts([0.001, 1], [1, 99]), 0.5 + (0.5 * 98) / 99],
    ['above all bounds is the highest bound', 0.99, counts([Number.POSITIVE_INFINITY, 3]), 30],
  ] as const)
    it(what, () => {
      const value = quantile(q, buckets)
      if (expected === null || value === null) assert.equal(value, expected)
      else assert.ok(Math.abs(value - expected) < 1e-12, `${value}`)
    })
})
