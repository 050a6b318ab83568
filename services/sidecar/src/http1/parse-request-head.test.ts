import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { INCOMPLETE } from './fields.ts'
import { parseRequestHead } from './parse-request-head.ts'
import { REFUSED, RequestHead } from './request-head.ts'

function parse(text: string, start = 0): { position: number; head: RequestHead } {
  const head = new RequestHead()
  const bytes = Buffer.from(text, 'latin1')
  return { position: parseRequestHead(head, bytes, start, bytes.length), head }
}

/** A head with a request line, a Host and these lines. */
function withFields(...lines: string[]): string {
  return ['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n')
}

function refusalOf(text: string): string {
  const { position, head } = parse(text)
  assert.equal(position, REFUSED, `${JSON.stringify(text)} was not refused`)
  return `${head.refusal.kind}: ${head.refusal.reason}`
}

describe('a request head', () => {
  it('ends after its empty line, whatever follows it', () => {
    const text = 'GET /metrics?a=b HTTP/1.1\r\nHost: a:1\r\n\r\n'
    const { position, head } = parse(`${text}more`)
    assert.equal(position, text.length)
    assert.equal(head.method, 'GET')
    assert.deepEqual([head.targetStart, head.pathEnd, head.targetEnd], [4, 12, 16])
    assert.deepEqual([head.minor, head.contentLength, head.chunked, head.persistent], [1, -1, false, true])
  })

  it('is incomplete at every byte before its end', () => {
    const text = 'POST http://a/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX:\r\n\r\n'
    for (let end = 0; end < text.length; end++)
      assert.equal(parse(text.slice(0, end)).position, INCOMPLETE, `${end}`)
    assert.equal(parse(text).position, text.length)
  })

  it('may announce a body with a length, or in chunks', () => {
    assert.equal(parse(withFields('content-LENGTH:  42 ')).head.contentLength, 42)
    assert.equal(parse(withFields('Transfer-Encoding: Chunked')).head.chunked, true)
  })

  it('decides whether the connection stays open', () => {
    const persistent = (version: string, connection: string) =>
      parse(`GET / HTTP/${version}\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`).head.persistent
    assert.equal(persistent('1.1', 'keep-alive'), true)
    assert.equal(persistent('1.1', 'Close'), false)
    assert.equal(persistent('1.0', ''), false)
    assert.equal(persistent('1.0', 'Keep-Alive'), true)
    assert.equal(persistent('1.0', 'keep-alive, close'), false)
  })

  it('may have an absolute target that agrees with its Host', () => {
    const { head } = parse('GET HTTP://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n')
    assert.deepEqual([head.targetStart, head.targetEnd], [15, 19])
  })

  it('needs no Host in HTTP/1.0', () => {
    assert.ok(parse('GET / HTTP/1.0\r\n\r\n').position > 0)
  })

  it('has the scrape timeout of Prometheus, in milliseconds', () => {
    const timeout = (value: string) =>
      parse(withFields(`X-Prometheus-Scrape-Timeout-Seconds: ${value}`)).head.scrapeTimeoutMs
    assert.equal(timeout('10'), 10_000)
    assert.equal(timeout('0.500000'), 500)
    assert.equal(timeout('soon'), 0)
  })
})

describe('a request head is refused when', () => {
  const cases: Record<string, [text: string, reason: RegExp]> = {
    'its method is not a token': ['G{T / HTTP/1.1\r\nHost: a\r\n\r\n', /method/],
    'its method is empty': [' / HTTP/1.1\r\nHost: a\r\n\r\n', /method/],
    'its method is too long': [`${'G'.repeat(30)}`, /method/],
    'it has two spaces': ['GET  / HTTP/1.1\r\nHost: a\r\n\r\n', /target/],
    'its target has a space': ['GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', /version/],
    'its target has a control character': ['GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n', /target/],
    'its target has a byte outside ASCII': ['GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n', /target/],
    'its target has a fragment': ['GET /#x HTTP/1.1\r\nHost: a\r\n\r\n', /target/],
    'its target does not begin with a slash': ['GET x HTTP/1.1\r\nHost: a\r\n\r\n', /target/],
    'its URL is https': ['GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n', /target/],
    'its URL has user information': ['GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', /target/],
    'its URL has another host': ['GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', /disagree/],
    'its version is HTTP/2.0': ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', /version/],
    'its version is in lower case': ['GET / http/1.1\r\nHost: a\r\n\r\n', /version/],
    'its version is missing (HTTP/0.9)': ['GET /\r\nHost: a\r\n\r\n', /target/],
    'its request line ends with LF': ['GET / HTTP/1.1\nHost: a\r\n\r\n', /version/],
    'a line ends with LF': [withFields('A: b\nC: d'), /bare LF or CR/],
    'a line ends with CR': [withFields('A: b\rC: d'), /bare LF or CR/],
    'the empty line ends with CR': ['GET / HTTP/1.1\r\nHost: a\r\n\rX', /bare LF or CR/],
    'a line is folded': [withFields('A: b', ' c: d'), /folded/],
    'a value has a NUL': [withFields('A: b\0c'), /control/],
    'a name has a space before the colon': [withFields('A : b'), /name/],
    'a name is empty': [withFields(': b'), /name/],
    'a name has a byte outside ASCII': [withFields('\xc3: b'), /name/],
    'a line has no colon': [withFields('hello'), /bare LF or CR/],
    'it has too many fields': [withFields(...Array(130).fill('A: b')), /more than 128/],
    'Host is missing': ['GET / HTTP/1.1\r\n\r\n', /no Host/],
    'it has two Hosts': [withFields('host: a'), /Host more than once/],
    'Host is not a valid host': ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', /not a host/],
    'it has two Content-Lengths': [
      withFields('Content-Length: 1', 'Content-Length: 1'),
      /Content-Length more/,
    ],
    'Content-Length is a list': [withFields('Content-Length: 1, 1'), /whole number/],
    'Content-Length has a sign': [withFields('Content-Length: +1'), /whole number/],
    'Content-Length is hexadecimal': [withFields('Content-Length: 0x1'), /whole number/],
    'Content-Length is empty': [withFields('Content-Length:'), /whole number/],
    'Content-Length is too large': [withFields(`Content-Length: ${'9'.repeat(20)}`), /whole number/],
    'it has Content-Length and Transfer-Encoding': [
      withFields('Content-Length: 1', 'Transfer-Encoding: chunked'),
      /Content-Length and Transfer-Encoding/,
    ],
    'it has two Transfer-Encodings': [
      withFields('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
      /Transfer-Encoding more/,
    ],
    'Transfer-Encoding is a list': [withFields('Transfer-Encoding: gzip, chunked'), /exactly chunked/],
    'Transfer-Encoding is identity': [withFields('Transfer-Encoding: identity'), /exactly chunked/],
    'Transfer-Encoding has a vertical tab': [withFields('Transfer-Encoding: \x0bchunked'), /control/],
    'it has Transfer-Encoding in HTTP/1.0': [
      'GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
      /HTTP\/1.0/,
    ],
    'a framing field is written with _': [withFields('Content_Length: 1'), /_/],
    'Connection names Host': [withFields('Connection: close, Host'), /Connection/],
    'Connection names X-Forwarded-For': [withFields('Connection: X-Forwarded-For'), /Connection/],
    'Connection is malformed': [withFields('Connection: close keep-alive'), /Connection/],
    'Expect is not 100-continue': [withFields('Expect: 200-ok'), /^expectation: .*Expect/],
    'it is TRACE and has a body': [
      'TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n',
      /TRACE and has a body/,
    ],
    'it is TRACE and has a chunked body': [
      'TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
      /TRACE and has a body/,
    ],
    'it asks for WebSocket': [withFields('Connection: Upgrade', 'Upgrade: websocket'), /upgrade/],
    'it is CONNECT': ['CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', /upgrade/],
  }
  for (const [condition, [text, reason]] of Object.entries(cases)) {
    it(condition, () => assert.match(refusalOf(text), reason))
  }
})
