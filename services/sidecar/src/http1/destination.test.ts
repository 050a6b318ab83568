import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BodyFraming } from './body-framing.ts'
import { BROKEN } from './chunked.ts'
import { COMPOSED_EXTRA, composeRequest, RequestIds } from './compose-request.ts'
import { addedBytes, type Destination, foldedName } from './destination.ts'
import { parseRequestHead } from './parse-request-head.ts'
import { RequestHead } from './request-head.ts'

const PROVENANCE = Buffer.from('X-Forwarded-For: unknown\r\n')
const OURS = ['authorization', 'x-api-key']
const PARTNER: Destination = {
  hostLine: Buffer.from('Host: api.example.org\r\n'),
  credentialLines: Buffer.from('Authorization: Bearer ours\r\nX-Api-Key: ours\r\n'),
  isToldOrigin: false,
  replaced: ['host', ...OURS].map(foldedName),
}

/** The head that the partner gets for these lines of the app. */
function sent(lines: readonly string[], destination = PARTNER): string[] {
  const rules = { maxFields: 32, passFields: new Set(['x_api_key']), replaced: destination.replaced }
  const head = new RequestHead()
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  assert.equal(parseRequestHead(head, bytes, 0, bytes.length, rules), bytes.length, head.refusal.reason)
  const out = Buffer.alloc(bytes.length + PROVENANCE.length + addedBytes(destination) + COMPOSED_EXTRA)
  const end = composeRequest(out, head, bytes, 0, PROVENANCE, new RequestIds(), destination)
  return out.toString('latin1', 0, end).split('\r\n').slice(0, -2)
}

const ADDED = ['Authorization: Bearer ours', 'X-Api-Key: ours']

describe('a request head for a partner', () => {
  it('has the Host of the partner, first, and the credentials', () => {
    assert.deepEqual(sent(['POST /a HTTP/1.1', 'Accept: */*', 'hOsT: localhost']), [
      'POST /a HTTP/1.1',
      'Host: api.example.org',
      'Accept: */*',
      ...ADDED,
    ])
  })

  it('has that Host too when the app sent a URL, or no Host', () => {
    const fromUrl = sent(['GET http://localhost/a HTTP/1.1', 'Host: localhost'])
    assert.deepEqual(fromUrl, ['GET /a HTTP/1.1', 'Host: api.example.org', ...ADDED])
    assert.deepEqual(sent(['GET /a HTTP/1.0']), fromUrl)
  })

  for (const name of ['Authorization', 'AUTHORIZATION', 'X-Api-Key', 'x-api-KEY', 'X_Api_Key', 'x.api.key'])
    it(`has no ${name} of the app`, () => {
      const again = /^authorization$/i.test(name) ? [] : [`${name}:`] // two of that name are a 400
      const head = sent(['GET /a HTTP/1.1', 'Host: a', 'A: 1', `${name}: theirs`, 'B: 2', ...again])
      assert.deepEqual(head, ['GET /a HTTP/1.1', 'Host: api.example.org', 'A: 1', 'B: 2', ...ADDED])
    })

  it('keeps fields whose names only begin or end like that of a credential', () => {
    const like = ['X-Api-Keys: 1', 'X-Api-Ke: 2', 'My-X-Api-Key: 3']
    const head = sent(['GET /a HTTP/1.1', 'Host: a', ...like])
    assert.deepEqual(head.slice(2), [...like, ...ADDED])
  })

  it('has the credentials although Connection names them', () => {
    const head = sent(['GET /a HTTP/1.1', 'Connection: x-api-key', 'X-Api-Key: theirs', 'Host: a'])
    assert.deepEqual(head, ['GET /a HTTP/1.1', 'Host: api.example.org', ...ADDED])
  })

  it('does not say where the request came from, unless the route asks for it', () => {
    const lines = ['GET /a HTTP/1.1', 'Host: a', 'X-Forwarded-For: 9.9.9.9']
    assert.doesNotMatch(sent(lines).join(), /forwarded|request-id/i)
    const told = sent(lines, { ...PARTNER, isToldOrigin: true })
    assert.ok(told.includes('X-Forwarded-For: unknown'))
    assert.match(told.join(), /,X-Request-Id: /)
  })

  it('keeps the request id of the app', () => {
    const head = sent(['GET /a HTTP/1.1', 'Host: a', 'X-Request-Id: order-1'])
    assert.ok(head.includes('X-Request-Id: order-1'))
  })
})

describe('a trailer with the name of a credential', () => {
  const end = (trailer: string, replaced = PARTNER.replaced) => {
    const framing = new BodyFraming('client', replaced)
    const head = new RequestHead()
    head.chunked = true
    framing.startRequest(head)
    const bytes = Buffer.from(`0\r\n${trailer}: theirs\r\n\r\n`)
    return framing.advance(bytes, 0, bytes.length) === BROKEN ? 'refused' : 'taken'
  }

  it('is refused, however it is spelled', () => {
    for (const name of ['X-Api-Key', 'x-api-key', 'X_API_KEY']) assert.equal(end(name), 'refused', name)
    assert.equal(end('X-Api-Keys'), 'taken')
    assert.equal(end('X-Api-Key', []), 'taken')
  })
})
