import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { composedBytes, composeRequest, RequestIds } from './compose-request.ts'
import { parseRequestHead } from './parse-request-head.ts'
import { RequestHead } from './request-head.ts'

const PROVENANCE = Buffer.from('X-Forwarded-For: 1.2.3.4\r\n')

function forwarded(...lines: string[]): string[] {
  const head = new RequestHead()
  const bytes = Buffer.from(`??${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  assert.equal(parseRequestHead(head, bytes, 2, bytes.length), bytes.length, head.refusal.reason)
  const out = Buffer.alloc(composedBytes(head, 2, PROVENANCE))
  const end = composeRequest(out, head, bytes, 2, PROVENANCE, new RequestIds())
  return out
    .toString('latin1', 0, end)
    .split('\r\n')
    .map((line) => line.replace(/(?<=Request-Id: )[0-9a-f]{12}-[0-9a-f]{8}$/, 'ID'))
}

const ADDED = ['X-Forwarded-For: 1.2.3.4', 'X-Request-Id: ID', '', '']

describe('a forwarded request head', () => {
  it('has the lines of the client, then X-Forwarded-For and X-Request-Id', () => {
    const lines = ['GET /a?b HTTP/1.1', 'hOST:  a', 'X-Odd :y'.replace(' :', ':'), 'Accept: */*']
    assert.deepEqual(forwarded(...lines), [...lines, ...ADDED])
  })

  it('has no hop-by-hop fields, and nothing that the client says about its origin', () => {
    const head = forwarded(
      'GET / HTTP/1.1',
      'Connection: close, X-Mine',
      'X-Mine: 1',
      'Host: a',
      'Keep-Alive: 5',
      'TE: trailers',
      'x-forwarded-for: 9.9.9.9',
      'Forwarded: for=9.9.9.9',
      'X-Real-IP: 9.9.9.9',
      'Accept: */*',
      'x-mine: 2',
    )
    assert.deepEqual(head, ['GET / HTTP/1.1', 'Host: a', 'Accept: */*', ...ADDED])
  })

  it('has no field that a later Connection field names', () => {
    const head = forwarded('GET / HTTP/1.1', 'A: 1', 'Host: a', 'B: 2', 'Connection: B, A, B', 'C: 3')
    assert.deepEqual(head, ['GET / HTTP/1.1', 'Host: a', 'C: 3', ...ADDED])
  })

  it('is HTTP/1.1 in origin form, and has a Host', () => {
    assert.equal(forwarded('GET http://a/x?y HTTP/1.1', 'Host: a')[0], 'GET /x?y HTTP/1.1')
    assert.deepEqual(forwarded('GET /x HTTP/1.0').slice(0, 2), ['GET /x HTTP/1.1', 'Host: localhost'])
    assert.equal(forwarded('OPTIONS * HTTP/1.0')[0], 'OPTIONS * HTTP/1.1')
  })

  it('keeps an X-Request-Id of the client with harmless characters, and replaces any other', () => {
    assert.ok(forwarded('GET / HTTP/1.1', 'Host: a', 'X-Request-Id: abc-1').includes('X-Request-Id: abc-1'))
    const odd = forwarded('GET / HTTP/1.1', 'Host: a', 'X-Request-Id: <script>')
    assert.deepEqual(odd.slice(2), ADDED)
  })

  it('has no Expect from an HTTP/1.0 client', () => {
    assert.ok(!forwarded('POST / HTTP/1.0', 'Expect: 100-continue').includes('Expect: 100-continue'))
  })
})
