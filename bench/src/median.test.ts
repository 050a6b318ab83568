import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { median, percentile } from './median.ts'

describe('median', () => {
  it('is the middle one, whatever the order', () => assert.equal(median([9, 1, 5]), 5))
  it('of an even number is the mean of the two in the middle', () => assert.equal(median([4, 1, 2, 9]), 3))
  it('of nothing is not a number', () => assert.ok(Number.isNaN(median([]))))
})

describe('percentile', () => {
  it('0 is the least, 100 the most', () => {
    assert.equal(percentile([3, 1, 2], 0), 1)
    assert.equal(percentile([3, 1, 2], 100), 3)
  })
})
