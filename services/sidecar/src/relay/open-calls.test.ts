import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OpenCalls } from './open-calls.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const END_STREAM = 1

function frame(type: number, stream: number, flags = 0, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const data = (stream: number, flags = 0, bytes = 3) => frame(0, stream, flags, Buffer.alloc(bytes, 1))
const headers = (stream: number, flags = 0) => frame(1, stream, flags, Buffer.alloc(20, 1))
const reset = (stream: number) => frame(3, stream, 0, Buffer.alloc(4))
const SETTINGS = frame(4, 0)

/** A connection on which both sides have begun HTTP/2. */
function begun(): OpenCalls {
  const calls = new OpenCalls()
  calls.upstreamSent(SETTINGS)
  calls.clientSent(Buffer.concat([Buffer.from(PREFACE), SETTINGS]))
  return calls
}

describe('a call', () => {
  it('is open from its HEADERS to the end of the response', () => {
    const calls = begun()
    assert.equal(calls.isAny, false)
    calls.clientSent(Buffer.concat([headers(1), data(1, END_STREAM)]))
    assert.equal(calls.isAny, true)
    calls.upstreamSent(Buffer.concat([headers(1), data(1)]))
    assert.equal(calls.isAny, true)
    calls.upstreamSent(headers(1, END_STREAM))
    assert.equal(calls.isAny, false)
  })

  it('also ends with DATA, or when a side resets it', () => {
    for (const end of [data(1, END_STREAM), reset(1)]) {
      const calls = begun()
      calls.clientSent(headers(1))
      calls.upstreamSent(end)
      assert.equal(calls.isAny, false)
    }
    const calls = begun()
    calls.clientSent(Buffer.concat([headers(1), reset(1)]))
    assert.equal(calls.isAny, false)
  })

  it('is not ended by another call, nor begun again by its own trailers', () => {
    const calls = begun()
    calls.clientSent(Buffer.concat([headers(1), headers(3)]))
    calls.upstreamSent(headers(3, END_STREAM))
    assert.equal(calls.isAny, true)
    calls.upstreamSent(headers(1, END_STREAM))
    calls.clientSent(headers(1, END_STREAM))
    assert.equal(calls.isAny, false)
  })

  it('is found in whatever pieces its frames come, and not in the payload of others', () => {
    const decoy = frame(0, 1, 0, Buffer.concat([headers(9), headers(11, END_STREAM)]))
    const fromClient = Buffer.concat([Buffer.from(PREFACE), SETTINGS, headers(1), decoy, headers(0x1020305)])
    const fromUpstream = Buffer.concat([
      SETTINGS,
      frame(0, 1, 0, headers(1, END_STREAM)),
      data(0x1020305, 0, 70_000),
      headers(0x1020305, END_STREAM),
      frame(1, 1, END_STREAM), // whole with its last byte
    ])
    for (const size of [1, 2, 7, 8, 9, 10, 23, 24, 25, 1_000_000]) {
      const calls = new OpenCalls()
      for (let at = 0; at < fromClient.length; at += size)
        calls.clientSent(fromClient.subarray(at, at + size))
      assert.equal(calls.isAny, true)
      for (let at = 0; at < fromUpstream.length; at += size) {
        assert.equal(calls.isAny, true, `in pieces of ${size}`)
        calls.upstreamSent(fromUpstream.subarray(at, at + size))
      }
      assert.equal(calls.isAny, false, `in pieces of ${size}`)
    }
  })

  it('ignores the reserved bit of a stream', () => {
    const calls = begun()
    const bytes = headers(1)
    bytes[5] = 0x80
    calls.clientSent(bytes)
    calls.upstreamSent(headers(1, END_STREAM))
    assert.equal(calls.isAny, false)
  })
})

describe('no call is open', () => {
  it('on a connection whose client does not begin with the preface of HTTP/2', () => {
    for (const start of [
      'GET / HTTP/1.1\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\n\n',
      '\u0016\u0003\u0001',
    ]) {
      const calls = new OpenCalls()
      calls.clientSent(Buffer.concat([Buffer.from(start), headers(1), headers(1)]))
      assert.equal(calls.isAny, false)
    }
  })

  it('on a connection whose server does not begin with SETTINGS', () => {
    const calls = new OpenCalls()
    calls.clientSent(Buffer.concat([Buffer.from(PREFACE), SETTINGS, headers(1)]))
    assert.equal(calls.isAny, true)
    calls.upstreamSent(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))
    calls.clientSent(headers(3))
    assert.equal(calls.isAny, false)
  })

  it('that is known of, when there are more than any server allows: memory is bounded', () => {
    const calls = begun()
    for (let stream = 1; stream <= 20_001; stream += 2) calls.clientSent(headers(stream))
    assert.equal(calls.isAny, false)
  })
})
