// Over TLS the sidecar tells its callers apart: by a token, by a client certificate, or not at all. Each may do what the
// rules name it for, and nobody else may.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tlsContext } from '@uds-sidecar/shared/dial/dial-tls'
import { type RequestOptions, request } from '@uds-sidecar/shared/http/request'
import { sharedStack, statusAndCode } from './support/stack.ts'

test('callers are told apart', async (t) => {
  const stack = await sharedStack(t)
  const anonymous = { tls: await stack.trust() }
  const monitoring = { tls: await stack.trust('prometheus') }
  const operator = { tls: await stack.trust('client') }
  const { token } = await stack.papersOf('prometheus')
  const prometheus = { ...anonymous, headers: { authorization: `Bearer ${token}` } }
  const ask = async (port: 'metrics' | 'apiTls', path: string, options: RequestOptions) =>
    request(await stack.endpoint(port), { path, ...options })

  await t.test('nobody: 401, with the way to say who one is', async () => {
    const response = await ask('metrics', '/metrics', anonymous)
    assert.equal(statusAndCode(response), '401 unauthenticated')
    assert.equal(response.headers['www-authenticate'], 'Bearer realm="metrics"')
  })

  await t.test('an unknown token: 401', async () => {
    const headers = { authorization: 'Bearer not-a-token-that-anybody-has' }
    const response = await ask('metrics', '/metrics', { ...anonymous, headers })
    assert.equal(statusAndCode(response), '401 bad_credentials')
  })

  await t.test('the token of Prometheus, its certificate, and that of the operator: 200', async () => {
    for (const identity of [prometheus, monitoring, operator])
      assert.equal((await ask('metrics', '/metrics', identity)).status, 200)
  })

  await t.test('everybody may read the API, the operator alone may write', async () => {
    const post = { method: 'POST' }
    assert.equal((await ask('apiTls', '/visits', anonymous)).status, 200)
    assert.equal((await ask('apiTls', '/visits', { ...operator, ...post })).status, 200)
    for (const identity of [anonymous, monitoring])
      assert.equal(
        statusAndCode(await ask('apiTls', '/visits', { ...identity, ...post })),
        '403 not_permitted',
      )
  })

  await t.test('a certificate of another authority: the connection ends in its handshake', async () => {
    const { ca } = await stack.papersOf('client')
    const { certificate, key } = await stack.papersOf('sidecar') // of the authority for servers
    const tls = { context: tlsContext({ ca, certificate, key }), serverName: 'localhost' }
    await assert.rejects(ask('apiTls', '/status', { tls }))
  })

  await t.test('plain HTTP on a port with TLS: 400 that says so', async () => {
    assert.equal(statusAndCode(await ask('metrics', '/metrics', {})), '400 tls_required')
  })

  await t.test('the operations port has a name, and responds under no other', async () => {
    const healthy = (host: string) => stack.request('ops', '/-/healthy', { headers: { host } })
    assert.equal(statusAndCode(await healthy('sidecar:9901')), '200')
    assert.equal(statusAndCode(await healthy('rebound.example')), '421 wrong_host')
  })

  await t.test('/routes names who may enter, and no secret', async () => {
    const text = String((await stack.request('ops', '/routes')).body)
    assert.match(text, /GET \/metrics for prometheus monitoring operator/)
    assert(!text.includes(token))
  })
})
