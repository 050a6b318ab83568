import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configFrom } from '../testing/sidecar-with.ts'
import { planDescriptors } from './plan-descriptors.ts'

const route = (name: string, kind: string, port: number, more = '') =>
  `{name: ${name}, kind: ${kind}, listen: "tcp://127.0.0.1:${port}", upstream: "unix:/u", ${more}}`

const TWO = `routes: [${route('web', 'http', 1)}, ${route('raw', 'stream', 2)}]`

describe('the connections of routes', () => {
  it('stay at their default when there are enough descriptors', () => {
    const { connections, reduced, needed, limit } = planDescriptors(configFrom(TWO), 100_000)
    assert.deepEqual(
      [...connections],
      [
        ['web', 4_096],
        ['raw', 4_096],
      ],
    )
    assert.deepEqual(reduced, [])
    assert.ok(limit !== null && needed <= limit)
  })

  it('are reduced to fit the limit of descriptors when the configuration does not set them', () => {
    for (const limit of [256, 512, 1_024, 4_096, 8_192])
      for (const ops of ['', '\nops: tcp://127.0.0.1:3']) {
        const { connections, reduced, needed } = planDescriptors(configFrom(TWO + ops), limit)
        const few = Math.min(...connections.values()) <= 16
        assert.ok(needed <= limit || few, `${needed} of ${limit}`)
        assert.ok(reduced.length > 0)
      }
  })

  it('stay as the configuration sets them, and the other routes share the rest', () => {
    const text = `routes: [${route('web', 'http', 1)}, ${route('raw', 'stream', 2, 'limits: {connections: 300}')}]`
    const { connections, reduced, needed } = planDescriptors(configFrom(text), 1_024)
    assert.equal(connections.get('raw'), 300)
    assert.deepEqual(reduced, ['web'])
    assert.ok(needed <= 1_024)
  })

  it('stay as the configuration sets them even when they need more descriptors than the limit', () => {
    const text = `routes: [${route('raw', 'stream', 2, 'limits: {connections: 512}')}]`
    const { needed, room, connections } = planDescriptors(configFrom(text), 1_024)
    assert.ok(needed > 1_024 && room < 1_024)
    assert.equal(connections.get('raw'), 512)
  })

  it('are not reduced when the limit is unknown or infinite', () => {
    for (const limit of [null, Number.POSITIVE_INFINITY]) {
      const { reduced, room } = planDescriptors(configFrom(TWO), limit)
      assert.deepEqual([reduced, room], [[], Number.POSITIVE_INFINITY])
    }
  })
})
