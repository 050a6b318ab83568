import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type RoundSummary, ratios, type TargetSummary } from './result.ts'
import type { TargetName } from './target.ts'

function target(name: TargetName, rounds: readonly Partial<RoundSummary>[]): TargetSummary {
  const round = { requests: 1, seconds: 1, requestsPerSecond: 1, p50Us: 1, p99Us: 1 }
  const all = rounds.map((one) => ({ ...round, ...one }))
  const latency = { minUs: 0, meanUs: 0, p50Us: 0, p90Us: 0, p99Us: 0, p999Us: 0, maxUs: 0 }
  const rest = {
    endpoint: '',
    requests: 0,
    errors: {},
    seconds: 0,
    requestsPerSecond: 0,
    mebibytesPerSecond: 0,
  }
  return { name, rounds: all, latency, ...rest }
}

describe('ratios', () => {
  it('compare round by round, with median and spread', () => {
    const socket = target('socket', [{ p50Us: 10 }, { p50Us: 20 }, { p50Us: 40 }])
    const tcp = target('tcp', [{ p50Us: 15 }, { p50Us: 20 }, { p50Us: 80 }])
    const [p50] = ratios([socket, tcp])
    assert.deepEqual(p50, { of: 'p50', compared: 'tcp', to: 'socket', median: 1.5, min: 1, max: 2 })
  })

  it('of throughput are above one when the socket does more', () => {
    const all = ratios([
      target('socket', [{ requestsPerSecond: 30 }]),
      target('tcp', [{ requestsPerSecond: 20 }]),
    ])
    assert.equal(all.find(({ of }) => of === 'throughput')?.median, 1.5)
  })

  it('leave out rounds in which one of them had no response', () => {
    const [p50] = ratios([target('socket', [{ requests: 0 }, {}]), target('tcp', [{}, { p50Us: 3 }])])
    assert.deepEqual([p50?.min, p50?.max], [3, 3])
    assert.deepEqual(ratios([target('socket', []), target('tcp', [])]), [])
  })
})
