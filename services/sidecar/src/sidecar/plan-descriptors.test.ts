import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configFrom } from '../testing/sidecar-with.ts'
import { planDescriptors } from './plan-descriptors.ts'

const route = (name: string, kind: string, port: number, more = '') =>
  `{name: ${name}, kind: ${kind}, listen: "tcp://127.0.0.1:${port}", upstream: "unix:/u", ${more}}`

const TWO = `routes: [${route('web', 'http', 1)}, ${route('raw', 'stream', 2)}]`

describe('the descriptors of a configuration', () => {
  it('of which there are enough leave every default as it is', () => {
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

  it('are shared by routes that do not say how many connections they have, so that all fit', () => {
    for (const limit of [256, 512, 1_024, 4_096, 8_192])
      for (const ops of ['', '\nops: tcp://127.0.0.1:3']) {
        const { connections, reduced, needed } = planDescriptors(configFrom(TWO + ops), limit)
        const few = Math.min(...connections.values()) <= 16
        assert.ok(needed <= limit || few, `${needed} of ${limit}`)
        assert.ok(reduced.length > 0)
      }
  })

  it('go first to routes that say it', () => {
    const text = `routes: [${route('web', 'http', 1)}, ${route('raw', 'stream', 2, 'limits: {connections: 300}')}]`
    const { connections, reduced, needed } = planDescriptors(configFrom(text), 1_024)
    assert.equal(connections.get('raw'), 300)
    assert.deepEqual(reduced, ['web'])
    assert.ok(needed <= 1_024)
  })

  it('that do not suffice for what is set are more than the limit', () => {
    const text = `routes: [${route('raw', 'stream', 2, 'limits: {connections: 512}')}]`
    const { needed, room, connections } = planDescriptors(configFrom(text), 1_024)
    assert.ok(needed > 1_024 && room < 1_024)
    assert.equal(connections.get('raw'), 512)
  })

  it('are not counted where the limit is not known, or there is none', () => {
    for (const limit of [null, Number.POSITIVE_INFINITY]) {
      const { reduced, room } = planDescriptors(configFrom(TWO), limit)
      assert.deepEqual([reduced, room], [[], Number.POSITIVE_INFINITY])
    }
  })
})
