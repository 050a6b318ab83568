import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { percentile } from './latencies.ts'

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  it('is the nearest rank, in whatever order the numbers come', () => {
    assert.equal(percentile(hundred, 50), 50)
    assert.equal(percentile(hundred, 99), 99)
    assert.equal(percentile(hundred, 100), 100)
  })
  it('of one number is that number', () => assert.equal(percentile([7], 99), 7))
  it('of none is none', () => assert.equal(percentile([], 50), undefined))
})
