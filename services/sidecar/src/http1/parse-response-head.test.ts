import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { INCOMPLETE } from './fields.ts'
import { MALFORMED, parseResponseHead } from './parse-response-head.ts'
import { ResponseHead } from './response-head.ts'
import { HEADROOM, rewriteResponse } from './rewrite-response.ts'

function parse(text: string): { position: number; head: ResponseHead } {
  const head = new ResponseHead()
  const bytes = Buffer.from(text, 'latin1')
  return { position: parseResponseHead(head, bytes, 0, bytes.length), head }
}

describe('a response head', () => {
  it('may have a reason phrase, or none', () => {
    for (const line of ['HTTP/1.1 200 OK', 'HTTP/1.1 200 ', 'HTTP/1.1 200', 'HTTP/1.0 200 \xe9t\xe9']) {
      const text = `${line}\r\nContent-Length: 3\r\n\r\n`
      const { position, head } = parse(`${text}abc`)
      assert.deepEqual([position, head.status, head.contentLength], [text.length, 200, 3], line)
    }
  })

  it('is incomplete at every byte before its end', () => {
    const text = 'HTTP/1.1 204 No Content\r\nA: b\r\nKeep-Alive: timeout=5\r\n\r\n'
    for (let end = 0; end < text.length; end++)
      assert.equal(parse(text.slice(0, end)).position, INCOMPLETE, `${end}`)
    assert.equal(parse(text).head.keepAliveSeconds, 5)
  })

  const malformed: Record<string, string> = {
    'is not HTTP': 'SSH-2.0-OpenSSH_9\r\n',
    'is HTTP/2': 'HTTP/2.0 200 OK\r\n\r\n',
    'has a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
    'has status 600': 'HTTP/1.1 600 Odd\r\n\r\n',
    'ends its lines with LF': 'HTTP/1.1 200 OK\nA: b\n\n',
    'has a folded line': 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n',
    'has a space before the colon': 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
    'has two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n',
    'has a length and is chunked':
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'has a coding other than chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    'is chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  }
  for (const [fault, text] of Object.entries(malformed)) {
    it(`that ${fault} is malformed`, () => {
      const { position, head } = parse(text)
      assert.equal(position, MALFORMED)
      assert.notEqual(head.fault, '')
    })
  }
})

describe('a rewritten response head', () => {
  const rewritten = (text: string, insertion: string | null) => {
    const bytes = Buffer.concat([Buffer.alloc(HEADROOM), Buffer.from(text)])
    const head = new ResponseHead()
    const end = parseResponseHead(head, bytes, HEADROOM, bytes.length)
    assert.ok(end > 0)
    const start = rewriteResponse(bytes, HEADROOM, head, insertion === null ? null : Buffer.from(insertion))
    return bytes.toString('latin1', start)
  }

  it('has no hop-by-hop fields, and is still contiguous with its body', () => {
    const text =
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, X\r\nA: b\r\nX: 1\r\nKeep-Alive: timeout=5\r\nC: d\r\n\r\nbody'
    assert.equal(rewritten(text, null), 'HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\nbody')
  })

  it('is HTTP/1.1, whatever version the upstream sends', () => {
    assert.equal(rewritten('HTTP/1.0 200 OK\r\nA: b\r\n\r\n', null), 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n')
  })

  it('has the inserted line right after the status line', () => {
    const close = 'Connection: close\r\n'
    assert.equal(
      rewritten('HTTP/1.1 200 OK\r\nA: b\r\n\r\nx', close),
      `HTTP/1.1 200 OK\r\n${close}A: b\r\n\r\nx`,
    )
    const text = 'HTTP/1.1 200 OK\r\nA: b\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\nx'
    assert.equal(rewritten(text, close), `HTTP/1.1 200 OK\r\n${close}A: b\r\n\r\nx`)
  })
})
