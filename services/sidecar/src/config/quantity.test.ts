import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseSize } from './quantity.ts'

it('durations and sizes are read with their units, and nothing else is', () => {
  assert.deepEqual(['500ms', '5s', '1m', '2h', '0s'].map(parseDuration), [500, 5_000, 60_000, 7_200_000, 0])
  assert.deepEqual(['512', '16KiB', '1MiB', '2GiB'].map(parseSize), [512, 16_384, 1_048_576, 2_147_483_648])
  for (const text of ['', '5', '5 s', '-5s', '1.5s', 's', '5S', '1d'])
    assert.equal(parseDuration(text), undefined, text)
  for (const text of ['', '5kB', '5 KiB', '-5', '1.5MiB', 'KiB'])
    assert.equal(parseSize(text), undefined, text)
})

it('what is formatted is read back as it was', () => {
  fc.assert(
    fc.property(
      fc.nat(999_999_999),
      (n) => parseDuration(formatDuration(n)) === n && parseSize(formatSize(n)) === n,
    ),
  )
})
