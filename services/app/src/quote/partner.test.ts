import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import type { AppFailure } from '../failures.ts'
import { Partner } from './partner.ts'

/** What the partner behind a socket with this handler gives the app. */
async function quoteOf(handler: RequestListener): Promise<string> {
  await using directory = await tempDirectory('quote-')
  const path = directory.at('partner.sock')
  await using server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return await new Partner({ kind: 'unix', path }).quote()
}

const isDown = (detail: RegExp) => (error: AppFailure) => {
  assert.equal(error.code, 'dependency_down')
  assert.equal(error.status, 503)
  assert.match(error.message, detail)
  return true
}

describe('the partner', () => {
  it('is asked for one path, without a credential', async () => {
    const seen: unknown[] = []
    const quote = await quoteOf((request, response) => {
      seen.push([request.method, request.url, request.headers.authorization])
      response.end(JSON.stringify({ quote: 'a quote', more: 1 }))
    })
    assert.equal(quote, 'a quote')
    assert.deepEqual(seen, [['GET', '/v1/quote', undefined]])
  })

  it('whose socket does not exist, is down, with the reason of the dial', async () => {
    const nowhere: Endpoint = { kind: 'unix', path: '/no/such/partner.sock' }
    await assert.rejects(new Partner(nowhere).quote(), isDown(/partner\.sock: socket_missing: /))
  })

  it('that the sidecar cannot reach, is down, with the code of the sidecar', async () => {
    const problem = { code: 'tls_expired', detail: 'the certificate has expired' }
    const quote = quoteOf((_request, response) => response.writeHead(502).end(JSON.stringify(problem)))
    await assert.rejects(quote, isDown(/: tls_expired: the certificate has expired$/))
  })

  for (const [what, status, body, detail] of [
    ['an error page', 500, '<html>', /: status 500$/],
    ['a redirect', 302, '', /: status 302$/],
    ['something that is not JSON', 200, 'quote', /the response has no quote$/],
    ['another JSON', 200, '{"quotes": []}', /the response has no quote$/],
    ['a quote that is too long', 200, JSON.stringify({ quote: 'q'.repeat(1_001) }), /has no quote$/],
    ['a body that is too large', 200, ' '.repeat(70_000), /upstream_too_large: /],
  ] as const)
    it(`that sends ${what}, is down`, async () => {
      const quote = quoteOf((_request, response) => response.writeHead(status).end(body))
      await assert.rejects(quote, isDown(detail))
    })
})
