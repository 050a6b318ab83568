import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { INCOMPLETE } from './fields.ts'
import { parseRequestHead } from './parse-request-head.ts'
import { REFUSED, RequestHead } from './request-head.ts'

const RULES = { maxFields: 16, passFields: new Set<string>(), takesConnect: true }

function parse(text: string) {
  const head = new RequestHead()
  const bytes = Buffer.from(text, 'latin1')
  const position = parseRequestHead(head, bytes, 0, bytes.length, RULES)
  return {
    position,
    reason: position === REFUSED ? head.refusal.reason : null,
    target: bytes.toString('latin1', head.authorityStart, head.authorityEnd),
  }
}

function connect(target: string, ...lines: readonly string[]): string {
  return `CONNECT ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
}

describe('the head of a CONNECT', () => {
  for (const [target, host] of [
    ['a.example:443', 'a.example:443'],
    ['a.example:443', 'A.Example:443'],
    ['a.example:443', 'a.example'],
    ['[2001:db8::1]:443', '[2001:db8::1]:443'],
    ['[2001:db8::1]:443', '[2001:db8::1]'],
    ['192.0.2.1:1', '192.0.2.1:1'],
  ] as const)
    it(`has the target ${target} with Host: ${host}`, () => {
      const text = connect(
        target,
        `Host: ${host}`,
        'Proxy-Authorization: Basic x',
        'Proxy-Connection: keep-alive',
      )
      const { position, target: found } = parse(text)
      assert.equal(position, text.length)
      assert.equal(found, target)
      for (let at = 1; at < text.length; at++)
        assert.equal(parse(text.slice(0, at)).position, INCOMPLETE, `${at}`)
    })

  it('of HTTP/1.0 needs no Host', () => {
    const text = 'CONNECT a.example:443 HTTP/1.0\r\n\r\n'
    assert.equal(parse(text).position, text.length)
  })

  const DISAGREE = /URL and its Host disagree/
  const NO_TARGET = /target is not a host and a port/
  for (const [text, reason] of [
    [connect('a.example:443'), /no Host/],
    [connect('a.example:443', 'Host: b.example:443'), DISAGREE],
    [connect('a.example:443', 'Host: a.example:80'), DISAGREE],
    [connect('a.example:443', 'Host: a.example:'), DISAGREE],
    [connect('a.example:443', 'Host: a.exampl'), DISAGREE],
    [connect('a.example:443', 'Host: a'), DISAGREE],
    [connect('a.example:443', 'Host:'), DISAGREE],
    [connect('[2001:db8::1]:443', 'Host: [2001:db8::2]'), DISAGREE],
    [connect('a.example:443', 'Host: a.example:443', 'Host: a.example:443'), /Host more than once/],
    [connect('a.example:443', 'Host: a.example:443', 'Content-Length: 1'), /CONNECT and has a body/],
    [connect('a.example:443', 'Host: a.example:443', 'Content-Length: 0'), /CONNECT and has a body/],
    [connect('a.example:443', 'Host: a.example:443', 'Transfer-Encoding: chunked'), /CONNECT and has a body/],
    ['CONNECT a.example:443 HTTP/1.0\r\nContent-Length: 1\r\n\r\n', /CONNECT and has a body/],
    [connect('a.example', 'Host: a.example'), NO_TARGET],
    [connect('a.example:', 'Host: a.example:'), NO_TARGET],
    [connect(':443', 'Host: :443'), NO_TARGET],
    [connect('[2001:db8::1]', 'Host: [2001:db8::1]'), NO_TARGET],
    [connect('2001:db8::1:443', 'Host: a'), NO_TARGET],
    [connect('a.example:65536', 'Host: a'), NO_TARGET],
    [connect('http://a.example:443/', 'Host: a'), NO_TARGET],
    [connect('http://a.example:443', 'Host: a'), NO_TARGET],
    [connect('user@a.example:443', 'Host: a'), NO_TARGET],
    [connect('/', 'Host: a'), NO_TARGET],
    [connect('*', 'Host: a'), NO_TARGET],
    [connect('a.example:443 ', 'Host: a'), /version/],
    [connect('b\xfccher.example:443', 'Host: a'), NO_TARGET],
  ] as const)
    it(`is refused as ${JSON.stringify(text)}`, () =>
      assert.match(parse(text).reason ?? 'not refused', reason))
})

describe('a head without CONNECT', () => {
  it('is read as on other routes', () => {
    const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
    assert.equal(parse(text).position, text.length)
  })
})
