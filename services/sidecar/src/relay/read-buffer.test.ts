import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ReadBuffer } from './stream-relay.ts'

describe('a read buffer', () => {
  it('is reused after a read that did not fill it', () => {
    const buffer = new ReadBuffer()
    const { bytes } = buffer
    buffer.prepare(100, false)
    assert.equal(buffer.bytes, bytes)
  })

  it('is replaced by a new one of the same size while its bytes are in use', () => {
    const buffer = new ReadBuffer()
    const { bytes } = buffer
    buffer.prepare(100, true)
    assert.notEqual(buffer.bytes, bytes)
    assert.equal(buffer.bytes.length, bytes.length)
  })

  it('grows to 64 KiB while reads fill it, and shrinks to 16 KiB when they do not', () => {
    const buffer = new ReadBuffer()
    const sizes = [buffer.bytes.length]
    for (let read = 0; read < 3; read++) {
      buffer.prepare(buffer.bytes.length, false)
      sizes.push(buffer.bytes.length)
    }
    buffer.prepare(1, false)
    assert.deepEqual([...sizes, buffer.bytes.length], [4_096, 16_384, 65_536, 65_536, 16_384])
  })

  it('that is frugal begins with 512 bytes, and returns to them when reads are small', () => {
    const buffer = new ReadBuffer(true)
    const sizes = [buffer.bytes.length]
    for (const count of [512, 2_048, 1_025, 1_024, 200, 64, 1]) {
      buffer.prepare(count, false)
      sizes.push(buffer.bytes.length)
    }
    assert.deepEqual(sizes, [512, 2_048, 8_192, 8_192, 2_048, 512, 512, 512])
  })
})
