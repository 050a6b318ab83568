import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LARGE_BYTES, LargeBuffers } from './large-buffers.ts'

const ALL = Buffer.alloc(LARGE_BYTES)

/** A socket that has bytes to send. */
function slow() {
  return { writableLength: 1, destroyed: false }
}

describe('a large buffer', () => {
  it('that was lent is used again once its socket has taken all bytes, and not before', () => {
    const buffers = new LargeBuffers()
    const [bytes, to] = [Buffer.from(ALL), slow()]
    buffers.lend(bytes, to)
    assert.notEqual(buffers.take(), bytes)
    to.writableLength = 0
    assert.equal(buffers.take(), bytes)
    assert.notEqual(buffers.take(), bytes)
  })

  it('that was given back, or lent to a socket that has taken all, is used again at once, and once', () => {
    const buffers = new LargeBuffers()
    const both = [Buffer.from(ALL), Buffer.from(ALL)] as const
    buffers.giveBack(both[0])
    buffers.lend(both[1], { writableLength: 0, destroyed: false })
    assert.deepEqual(new Set([buffers.take(), buffers.take()]), new Set(both))
    assert.ok(!both.includes(buffers.take()))
  })

  it('is not used again after its socket was destroyed', () => {
    const buffers = new LargeBuffers()
    const [bytes, other, to] = [Buffer.from(ALL), Buffer.from(ALL), { ...slow(), destroyed: false }]
    buffers.lend(bytes, to)
    Object.assign(to, { writableLength: 0, destroyed: true })
    buffers.lend(other, to)
    assert.ok(![bytes, other].includes(buffers.take()))
  })

  it('of a slow socket does not keep the others from being used, and is forgotten', () => {
    const buffers = new LargeBuffers()
    const [stuck, bytes, to] = [Buffer.from(ALL), Buffer.from(ALL), slow()]
    buffers.lend(stuck, to)
    for (let read = 0; read < 16; read++) {
      const quick = slow()
      buffers.lend(bytes, quick)
      quick.writableLength = 0
      assert.equal(buffers.take(), bytes)
    }
    to.writableLength = 0
    assert.notEqual(buffers.take(), stuck)
  })

  it('is one of 64 that are lent, and of 64 that are free', () => {
    const buffers = new LargeBuffers()
    const made = Array.from({ length: 65 }, () => Buffer.from(ALL))
    const to = slow()
    for (const bytes of made) buffers.lend(bytes, to)
    to.writableLength = 0
    const again = made.map(() => buffers.take())
    assert.deepEqual(
      [again.includes(made[0] as never), again.filter((one) => made.includes(one)).length],
      [false, 64],
    )
    for (const bytes of made) buffers.giveBack(bytes)
    assert.equal(made.map(() => buffers.take()).filter((one) => made.includes(one)).length, 64)
  })
})
