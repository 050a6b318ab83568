import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatSize, parseSize } from './settings.ts'

describe('sizes', () => {
  const written = [
    [64, '64 B'],
    [1024, '1 KiB'],
    [1536, '1536 B'],
    [1024 * 1024, '1 MiB'],
  ] as const
  for (const [bytes, text] of written)
    it(`${bytes} is ${text} and back`, () => {
      assert.equal(formatSize(bytes), text)
      assert.equal(parseSize(text), bytes)
    })

  it('a number without a unit is bytes', () => assert.equal(parseSize('64'), 64))
  it('rejects everything else', () => {
    for (const text of ['', '-1', '1.5KiB', '1kb', 'KiB']) assert.equal(parseSize(text), undefined)
  })
})
