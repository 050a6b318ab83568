import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { Endpoint } from '../endpoint/endpoint.ts'
import type { Failure } from '../failure/failure.ts'
import { request } from '../http/request.ts'
import { Authority, type KeyPair } from '../testing/authority.ts'
import { rejection } from '../testing/listeners.ts'
import { dial } from './dial.ts'
import { type TlsDialOptions, type TlsMaterial, tlsContext } from './dial-tls.ts'
import { TlsFailure, tlsReasonOf } from './tls-failure.ts'

/** Nothing in these tests is meant to run into it. */
const timeoutMs = 60_000

let authority: Authority
let stranger: Authority
let good: KeyPair

before(async () => {
  authority = await Authority.create()
  stranger = await Authority.create('Stranger')
  good = await authority.issue()
})
after(async () => {
  await authority[Symbol.asyncDispose]()
  await stranger[Symbol.asyncDispose]()
})

/** A server with this certificate that sends `hello` and ends. */
async function serveTls(pair: Pick<KeyPair, 'cert' | 'key'>, options: TlsOptions = {}) {
  const server = createTlsServer({ ...pair, ...options }, (socket) => {
    socket.on('error', () => socket.destroy()).end('hello')
  })
  return await onPort(server)
}

async function servePlain(handle: (socket: Socket) => void) {
  return await onPort(createServer((socket) => handle(socket.on('error', () => socket.destroy()).resume())))
}

async function onPort(server: Server) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const endpoint: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  return { endpoint, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

function trusting(material: TlsMaterial = {}, more: Omit<TlsDialOptions, 'context'> = {}): TlsDialOptions {
  return { context: tlsContext({ ca: authority.cert, ...material }), ...more }
}

async function failureAt(endpoint: Endpoint, tls = trusting()): Promise<TlsFailure> {
  const failure = await rejection(dial(endpoint, { tls, timeoutMs }))
  assert.ok(failure instanceof TlsFailure, `expected a TlsFailure, got ${failure.code}: ${failure.message}`)
  return failure
}

function assertFailure(failure: Failure & { reason?: string }, code: string, reason: string, says: RegExp) {
  assert.deepEqual([failure.code, failure.reason], [code, reason], failure.message)
  assert.match(failure.message, says)
  assert.notEqual(failure.hint, '')
}

describe('dialling with TLS', () => {
  it('a server with a trusted certificate for its address, connects', async () => {
    await using server = await serveTls(good)
    assert.equal(await text(await dial(server.endpoint, { tls: trusting(), timeoutMs })), 'hello')
  })

  it('a server under another name, verifies that name and sends it', async () => {
    let sent: string | false | null = null
    const pair = await authority.issue({ names: 'DNS:metrics.example' })
    const server = createTlsServer(pair, (socket) => {
      sent = socket.servername
      socket.end('hello')
    })
    await using listening = await onPort(server)
    const tls = trusting({}, { serverName: 'metrics.example' })
    assert.equal(await text(await dial(listening.endpoint, { tls, timeoutMs })), 'hello')
    assert.equal(sent, 'metrics.example')
  })

  it('a server that asks for a certificate, presents its own', async () => {
    await using server = await serveTls(good, { requestCert: true, ca: authority.cert })
    const own = await authority.issue({ name: 'me' })
    const tls = trusting({ certificate: own.cert, key: own.key })
    assert.equal(await text(await dial(server.endpoint, { tls, timeoutMs })), 'hello')
  })

  it('over HTTP, is a request as any other', async () => {
    await using server = await servePlainHttps()
    const { status, body } = await request(server.endpoint, { tls: trusting(), timeoutMs })
    assert.deepEqual([status, String(body)], [200, 'fine'])
  })

  it('a port where nobody listens, fails as without TLS', async () => {
    const server = await serveTls(good)
    await server[Symbol.asyncDispose]()
    const failure = await rejection(dial(server.endpoint, { tls: trusting(), timeoutMs }))
    assert.equal(failure.code, 'connection_refused')
  })

  it('a server that never shakes hands, gives up at the limit and says so', async () => {
    await using server = await servePlain(() => undefined)
    const failure = await rejection(dial(server.endpoint, { tls: trusting(), timeoutMs: 50 }))
    assert.equal(failure.code, 'upstream_timeout')
    assert.match(failure.message, /did not finish the TLS handshake within 50 ms/)
  })

  it('a server that never shakes hands, gives up when it is told to', async () => {
    await using server = await servePlain(() => stop.abort(reason))
    const [stop, reason] = [new AbortController(), new Error('enough')]
    await assert.rejects(dial(server.endpoint, { tls: trusting(), timeoutMs, signal: stop.signal }), reason)
  })
})

describe('dialling with TLS does not connect to a server', () => {
  it('whose certificate has expired, and says since when', async () => {
    await using server = await serveTls(await authority.issue({ to: '240102030405Z' }))
    const failure = await failureAt(server.endpoint)
    assertFailure(failure, 'tls_expired', 'expired', /expired at 2024-01-02T03:04:05.000Z/)
  })

  it('whose certificate is not valid yet, and says from when', async () => {
    await using server = await serveTls(await authority.issue({ from: '470102030405Z' }))
    const failure = await failureAt(server.endpoint)
    assertFailure(failure, 'tls_expired', 'not_yet_valid', /not valid yet, before 2047-01-02T03:04:05.000Z/)
  })

  it('whose CA is another one, and names the issuer', async () => {
    await using server = await serveTls(await stranger.issue())
    const failure = await failureAt(server.endpoint)
    assertFailure(failure, 'tls_untrusted', 'unknown_issuer', /not trusted: CN=Stranger/)
  })

  it('whose CA it sends itself', async () => {
    const pair = await stranger.issue()
    await using server = await serveTls({ key: pair.key, cert: `${pair.cert}${stranger.cert}` })
    assertFailure(await failureAt(server.endpoint), 'tls_untrusted', 'unknown_issuer', /CN=Stranger/)
  })

  it('whose CA nobody trusts, with the CAs of the system', async () => {
    await using server = await serveTls(good)
    const failure = await failureAt(server.endpoint, { context: tlsContext({}) })
    assertFailure(failure, 'tls_untrusted', 'unknown_issuer', /CN=Test CA/)
  })

  it('whose certificate is self-signed', async () => {
    await using server = await serveTls(await authority.selfSigned({ name: 'alone' }))
    const failure = await failureAt(server.endpoint)
    assertFailure(failure, 'tls_untrusted', 'self_signed', /self-signed: CN=alone/)
  })

  it('whose certificate is only for clients', async () => {
    const pair = await authority.issue({ extensions: ['extendedKeyUsage=clientAuth'] })
    await using server = await serveTls(pair)
    assertFailure(await failureAt(server.endpoint), 'tls_untrusted', 'bad_chain', /purpose/)
  })

  it('whose certificate has another name, and lists its names', async () => {
    await using server = await serveTls(await authority.issue({ names: 'DNS:a.example,IP:192.0.2.1' }))
    const failure = await failureAt(server.endpoint)
    assertFailure(failure, 'tls_name_mismatch', 'wrong_name', /a\.example.*192\.0\.2\.1/)
  })

  it('that has the address as a name and not as an address', async () => {
    await using server = await serveTls(await authority.issue({ names: 'DNS:127.0.0.1' }))
    assert.equal((await failureAt(server.endpoint)).code, 'tls_name_mismatch')
  })

  it('that has the name as a common name alone', async () => {
    await using server = await serveTls(
      await authority.issue({ name: 'metrics.example', names: 'DNS:other' }),
    )
    const failure = await failureAt(server.endpoint, trusting({}, { serverName: 'metrics.example' }))
    assert.equal(failure.code, 'tls_name_mismatch')
  })

  it('that speaks no TLS', async () => {
    await using server = await servePlain((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    )
    assertFailure(await failureAt(server.endpoint), 'tls_refused', 'no_tls', /does not speak TLS/)
  })

  it('that closes the connection', async () => {
    for (const handle of [
      (socket: Socket) => void socket.once('data', () => socket.destroy()),
      (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy()),
      (socket: Socket) => void socket.once('data', () => socket.end()),
    ]) {
      await using server = await servePlain(handle)
      assertFailure(await failureAt(server.endpoint), 'upstream_reset', 'closed', /during the handshake/)
    }
  })

  it('whose version of TLS is too old', async () => {
    await using server = await serveTls(good, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    const failure = await failureAt(server.endpoint, trusting({ minVersion: 'TLSv1.3' }))
    assertFailure(failure, 'tls_refused', 'version', /no version of TLS in common/)
  })

  it('with a bad certificate, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
    await using server = await serveTls(await stranger.issue())
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      assert.equal((await failureAt(server.endpoint)).code, 'tls_untrusted')
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    }
  })
})

describe('what a certificate says', () => {
  it('is safe for a terminal, and short', async () => {
    const evil = await stranger.issue({
      name: `x\u001b[31m\u202e${'y'.repeat(40)}`,
      names: `DNS:${'n'.repeat(6_000)}`,
    })
    await using server = await serveTls(evil)
    const context = tlsContext({ ca: stranger.cert })
    const failure = await failureAt(server.endpoint, { context })
    assert.equal(failure.code, 'tls_name_mismatch')
    assert.ok(failure.message.length < 500)
    assert.match(failure.certificate?.subject ?? '', /^CN=x.*y/)
    assert.doesNotMatch(`${failure.message}${failure.certificate?.subject}`, /[\p{Cc}\p{Cf}]/u)
  })
})

describe('the material for TLS', () => {
  it('with the key of another certificate, is refused', async () => {
    const [one, other] = [await authority.issue(), await authority.issue()]
    const make = () => tlsContext({ certificate: one.cert, key: other.key })
    assert.throws(make, { code: 'bad_config', message: /not usable: .*mismatch/ })
  })
})

describe('the reason of a failed handshake', () => {
  for (const [code, reason] of [
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'certificate_required'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'certificate_refused'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'certificate_refused'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'certificate_refused'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'certificate_refused'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'version'],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'handshake'],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'handshake'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown_issuer'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown_issuer'],
    ['CERT_SIGNATURE_FAILURE', 'bad_chain'],
    ['INVALID_CA', 'bad_chain'],
    ['INVALID_PURPOSE', 'bad_chain'],
    ['EE_KEY_TOO_SMALL', 'bad_chain'],
    ['ECONNRESET', 'closed'],
    ['EIO', 'handshake'],
    ['', 'handshake'],
  ] as const) {
    it(`${code || 'without a code'}, is ${reason}`, () => assert.equal(tlsReasonOf(code), reason))
  }
})

async function servePlainHttps() {
  const { createServer: createHttpsServer } = await import('node:https')
  return await onPort(createHttpsServer({ ...good }, (_request, response) => response.end('fine')))
}
