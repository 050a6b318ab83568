import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { SecureVersion } from 'node:tls'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { GET } from '../testing/http-stack.ts'
import { partner, wayOutStack } from '../testing/partner.ts'
import { mirror, responding, silent } from '../testing/raw-server.ts'

const NAME = 'api.example.org'
const names = `DNS:${NAME}`
const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
let ca: Authority
let good: KeyPair
let client: KeyPair
before(async () => {
  ca = await Authority.create()
  good = await ca.issue({ names })
  client = await ca.issue({ name: 'sidecar' })
  return () => ca[Symbol.asyncDispose]()
})

/** What an app gets, twice, from a partner with these options. */
async function responses(
  options: Parameters<typeof partner>[1],
  code: FailureCode,
  more = `ca: ${ca.certFile}`,
): Promise<string> {
  await using server = await partner(mirror, options)
  await using stack = await wayOutStack(`upstream: "tcp://${NAME}:${server.port}", upstreamTls: {${more}}`)
  const first = await stack.open().send(GET).hears('\r\n\r\n')
  assert.match(first.received, /^HTTP\/1.1 502 Bad Gateway/)
  const second = await stack.open().send(GET).hears('\r\n\r\n')
  assert.match(second.received, /^HTTP\/1.1 502 Bad Gateway/)
  await second.hears(`"${code}"`)
  assert.equal(stack.failures(code), 2)
  assert.equal(
    server.sockets.reduce((sum, socket) => sum + socket.bytesRead, 0),
    0,
  )
  return second.received
}

for (const version of VERSIONS) {
  const only = { minVersion: version, maxVersion: version }
  describe(`a partner with ${version}`, () => {
    it('that no CA here has signed is refused: tls_untrusted', async () => {
      const text = await responses({ ...good, ...only }, 'tls_untrusted', '')
      assert.match(text, /the issuer of its certificate is not trusted/)
      assert.match(text, /"hint":"trust the CA/)
    })

    it('whose certificate has signed itself is refused: tls_untrusted', async () => {
      await responses({ ...(await ca.selfSigned({ names })), ...only }, 'tls_untrusted')
    })

    it('whose certificate has expired is refused: tls_expired', async () => {
      const expired = await ca.issue({ names, to: '210101000000Z' })
      assert.match(await responses({ ...expired, ...only }, 'tls_expired'), /expired at 2021-01-01/)
    })

    it('whose certificate is for another name is refused each time: tls_name_mismatch', async () => {
      const other = await ca.issue({ names: 'DNS:other.example.org' })
      assert.match(
        await responses({ ...other, ...only }, 'tls_name_mismatch'),
        /another name: DNS:other.example.org/,
      )
    })

    it('gets the own certificate of the route', async () => {
      await using server = await partner(mirror, {
        ...good,
        ...only,
        ca: ca.cert,
        requestCert: true,
        rejectUnauthorized: true,
      })
      await using stack = await wayOutStack(
        `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}, certificate: ${client.certFile}, key: ${client.keyFile}}`,
      )
      await stack.open().send(GET).hears('200 OK')
    })
  })
}

describe('a partner', () => {
  it('that requires a certificate and gets none: tls_refused', async () => {
    const options = { ...good, ca: ca.cert, requestCert: true, rejectUnauthorized: true }
    await responses({ ...options, maxVersion: 'TLSv1.2' }, 'tls_refused')
  })

  it('with too old a version: tls_refused', async () => {
    const text = await responses(
      { ...good, maxVersion: 'TLSv1.2' },
      'tls_refused',
      `ca: ${ca.certFile}, minVersion: TLSv1.3`,
    )
    assert.match(text, /no version of TLS in common/)
  })

  it('that speaks no http/1.1: tls_refused', async () => {
    await responses({ ...good, ALPNProtocols: ['h2'] }, 'tls_refused')
  })

  it('that speaks plain HTTP on the port: tls_refused', async () => {
    await using server = await partner(responding('HTTP/1.1 400 Bad Request\r\n\r\n'))
    server.server.on('connection', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    const app = await stack.open().send(GET).hears('"tls_refused"')
    assert.match(app.received, /does not speak TLS on this port/)
  })

  it('that accepts, and does no handshake: upstream_timeout after timeouts.connect', async () => {
    await using server = await partner(silent)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, timeouts: {connect: 100ms}`,
    )
    const app = await stack.open().send(GET).hears('"upstream_timeout"')
    assert.match(app.received, /^HTTP\/1.1 504 .*did not finish the TLS handshake within 100 ms/s)
  })

  it('that closes during the handshake: upstream_reset', async () => {
    await using server = await partner(silent)
    server.server.on('connection', (socket) => socket.once('data', () => socket.destroy()))
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    const app = await stack.open().send(GET).hears('"upstream_reset"')
    assert.match(app.received, /closed the connection during the handshake/)
  })
})
