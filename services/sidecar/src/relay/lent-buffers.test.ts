import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LARGE_BYTES, LentBuffers } from './lent-buffers.ts'

const ALL = Buffer.alloc(LARGE_BYTES)

/** A socket that has bytes to send. */
function slow() {
  return { writableLength: 1, destroyed: false }
}

describe('a lent buffer', () => {
  it('is used again once its socket has taken all bytes, and not before', () => {
    const buffers = new LentBuffers()
    const [bytes, to] = [Buffer.from(ALL), slow()]
    buffers.lend(bytes, to)
    assert.notEqual(buffers.take(), bytes)
    to.writableLength = 0
    assert.equal(buffers.take(), bytes)
    assert.notEqual(buffers.take(), bytes)
  })

  it('is not used again after its socket was destroyed: the kernel may still read it', () => {
    const buffers = new LentBuffers()
    const bytes = Buffer.from(ALL)
    buffers.lend(bytes, { writableLength: 0, destroyed: true })
    assert.notEqual(buffers.take(), bytes)
  })

  it('of a slow socket does not keep the others from being used, and is forgotten', () => {
    const buffers = new LentBuffers()
    const [stuck, bytes, to] = [Buffer.from(ALL), Buffer.from(ALL), slow()]
    buffers.lend(stuck, to)
    for (let read = 0; read < 16; read++) {
      buffers.lend(bytes, { writableLength: 0, destroyed: false })
      assert.equal(buffers.take(), bytes)
    }
    to.writableLength = 0
    assert.notEqual(buffers.take(), stuck)
  })

  it('of another size is forgotten', () => {
    const buffers = new LentBuffers()
    buffers.lend(Buffer.alloc(LARGE_BYTES - 1), { writableLength: 0, destroyed: false })
    assert.equal(buffers.take().length, LARGE_BYTES)
  })

  it('is one of 64 at most', () => {
    const buffers = new LentBuffers()
    const [first, second, to] = [Buffer.from(ALL), Buffer.from(ALL), slow()]
    for (const bytes of [first, second, ...Array.from({ length: 63 }, () => Buffer.from(ALL))])
      buffers.lend(bytes, to)
    to.writableLength = 0
    const taken = Array.from({ length: 66 }, () => buffers.take())
    assert.deepEqual([taken.includes(first), taken.indexOf(second)], [false, 0])
  })
})
