import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseSize } from './bound-text.ts'

describe('a duration', () => {
  it('is a whole number with ms, s, m or h', () => {
    assert.deepEqual(['500ms', '5s', '1m', '2h', '0s'].map(parseDuration), [500, 5_000, 60_000, 7_200_000, 0])
  })

  for (const text of ['', '5', '5 s', '-5s', '1.5s', 's', '5S', '1d'])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), undefined))

  it('is formatted so that it parses to the same value', () => {
    fc.assert(fc.property(fc.nat(999_999_999), (ms) => parseDuration(formatDuration(ms)) === ms))
  })
})

describe('a size', () => {
  it('is a whole number of bytes, or one with KiB, MiB or GiB', () => {
    assert.deepEqual(['512', '16KiB', '1MiB', '2GiB'].map(parseSize), [512, 16_384, 1_048_576, 2_147_483_648])
  })

  for (const text of ['', '5kB', '5 KiB', '-5', '1.5MiB', 'KiB'])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseSize(text), undefined))

  it('is formatted so that it parses to the same value', () => {
    fc.assert(fc.property(fc.nat(999_999_999), (bytes) => parseSize(formatSize(bytes)) === bytes))
  })
})
