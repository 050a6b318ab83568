import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseExposition } from '../exposition/parse-exposition.ts'
import { type Scrape, scrapeOf, trafficBetween } from './traffic.ts'

interface Counts {
  readonly requests?: readonly number[]
  readonly buckets?: Readonly<Record<string, number>>
  readonly failures?: Readonly<Record<string, number>>
  readonly refused?: Readonly<Record<string, number>>
  readonly connections?: readonly [open: number, total: number]
  readonly up?: number
  readonly generation?: number
}

/** A scrape of a sidecar with one route. */
function scrape(counts: Counts, route = 'api'): Scrape {
  const {
    requests = [],
    buckets = {},
    failures = {},
    refused = {},
    connections = [0, 0],
    up = 1,
    generation = 1,
  } = counts
  const label = `route="${route}"`
  const lines = [
    ...requests.map((count, i) => `sidecar_requests_total{${label},method="GET",code="20${i}"} ${count}`),
    ...Object.entries(buckets).map(
      ([le, count]) => `sidecar_request_duration_seconds_bucket{le="${le}",${label}} ${count}`,
    ),
    ...Object.entries(failures).map(
      ([code, count]) => `sidecar_upstream_errors_total{${label},reason="${code}"} ${count}`,
    ),
    ...Object.entries(refused).map(
      ([code, count]) => `sidecar_requests_refused_total{${label},code="${code}"} ${count}`,
    ),
    `sidecar_connections{${label}} ${connections[0]}`,
    `sidecar_connections_total{${label}} ${connections[1]}`,
    `sidecar_upstream_up{${label}} ${up}`,
    `sidecar_upstream_generation{${label}} ${generation}`,
    'sidecar_tls_last_reload_successful{route="(ops)"} 1',
  ]
  return scrapeOf(parseExposition(`${lines.join('\n')}\n`))
}

describe('the traffic of a route', () => {
  it('is what was counted in the interval, per second', () => {
    const before = scrape({ requests: [10, 5], failures: { upstream_reset: 1 }, connections: [1, 7] })
    const after = scrape({
      requests: [30, 5],
      buckets: { '0.1': 20, '+Inf': 20 },
      failures: { upstream_reset: 3, socket_stale: 0 },
      refused: { path_not_allowed: 4 },
      connections: [2, 11],
      up: 0,
      generation: 3,
    })
    const [traffic, ...others] = trafficBetween(before, after, 2)
    assert.partialDeepStrictEqual(traffic, {
      route: 'api',
      state: 'down',
      generation: 3,
      connections: 2,
      connectionsPerSecond: 2,
      requestsPerSecond: 10,
      failures: { upstream_reset: 2, path_not_allowed: 4 },
    })
    assert.deepEqual(others, [], 'the operations port is no route')
  })

  it('has percentiles as histogram_quantile estimates them', () => {
    const empty = { '0.1': 0, '0.2': 0, '+Inf': 0 }
    const cases: readonly (readonly [
      buckets: Record<string, number>,
      p50: number | null,
      p99: number | null,
    ])[] = [
      [empty, null, null],
      [{ '0.1': 100, '0.2': 100, '+Inf': 100 }, 50, 99],
      [{ '0.1': 50, '0.2': 100, '+Inf': 100 }, 100, 198],
      [{ '0.1': 0, '0.2': 0, '+Inf': 10 }, 200, 200],
    ]
    for (const [buckets, p50, p99] of cases) {
      const [traffic] = trafficBetween(scrape({ buckets: empty }), scrape({ buckets }), 1)
      const rounded = (ms: number | null | undefined) =>
        typeof ms === 'number' ? Math.round(ms * 1_000) / 1_000 : ms
      assert.deepEqual([rounded(traffic?.p50Ms), rounded(traffic?.p99Ms)], [p50, p99])
    }
  })

  it('counts from 0 when the counters fell: the sidecar was restarted', () => {
    const before = scrape({ requests: [1_000], buckets: { '0.1': 1_000, '+Inf': 1_000 } })
    const after = scrape({ requests: [3], buckets: { '0.1': 3, '+Inf': 3 }, failures: { draining: 1 } })
    const [traffic] = trafficBetween(before, after, 1)
    assert.deepEqual([traffic?.requestsPerSecond, traffic?.failures], [3, { draining: 1 }])
  })

  it('of a stream has connections, and no requests', () => {
    const [traffic] = trafficBetween(scrape({}), scrape({ connections: [1, 3] }), 1)
    assert.deepEqual(
      [traffic?.requestsPerSecond, traffic?.p99Ms, traffic?.connectionsPerSecond],
      [null, null, 3],
    )
  })

  it('of a route that was added by a reload counts from 0', () => {
    const [traffic] = trafficBetween(new Map(), scrape({ connections: [1, 3] }), 1)
    assert.equal(traffic?.connectionsPerSecond, 3)
  })
})
