import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { median, percentile, spreadOf } from './statistics.ts'

describe('median', () => {
  it('is the middle number, in any order', () => assert.equal(median([9, 1, 5]), 5))
  it('of an even count is the mean of the two in the middle', () => assert.equal(median([4, 1, 2, 9]), 3))
  it('of no numbers is NaN', () => assert.ok(Number.isNaN(median([]))))
})

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  it('is the nearest rank, in any order', () => {
    assert.equal(percentile(hundred, 50), 50)
    assert.equal(percentile(hundred, 99), 99)
  })
  it('0 is the smallest number, 100 the largest', () => {
    assert.equal(percentile(hundred, 0), 1)
    assert.equal(percentile(hundred, 100), 100)
  })
  it('of one number is that number', () => assert.equal(percentile([7], 99), 7))
  it('of no numbers is NaN', () => assert.ok(Number.isNaN(percentile([], 50))))
})

describe('spreadOf', () => {
  it('is the median with the smallest and the largest number', () =>
    assert.deepEqual(spreadOf([3, 1, 8]), { median: 3, min: 1, max: 8 }))
})
