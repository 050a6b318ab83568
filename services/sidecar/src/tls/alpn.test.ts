import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { parseFile } from '../config/parse-file.ts'
import {
  makePair,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { partner, wayOutStack } from '../testing/partner.ts'
import { rawServer } from '../testing/raw-server.ts'
import { configFrom, opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'

let pair: TestPair
before(async () => {
  pair = await makePair()
})

/** A stream route with TLS and its echo upstream. @param more settings of `tls` */
async function streamStack(more: string) {
  const directory = await tempDirectory()
  const secret = await secretDirectory(pair)
  const server = await rawServer(directory.at('u'), (socket) => socket.pipe(socket))
  const text = (more: string) =>
    `{drain: 500ms, ops: "tcp://127.0.0.1:0", routes: [{name: s, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", ${tlsText(secret, more)}}]}`
  const sidecar = await sidecarWith(text(more))
  return {
    sidecar,
    open: (protocols?: readonly string[]) =>
      tlsConversation(
        portOf(sidecar),
        pair,
        protocols === undefined ? {} : { ALPNProtocols: [...protocols] },
      ),
    reload: (more: string) => sidecar.apply(configFrom(text(more))),
    failed: () => sidecar.routes[0]?.tls?.counters.handshakeFailures.get('alpn') ?? 0,
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await secret[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

type Stack = Awaited<ReturnType<typeof streamStack>>

async function assertServed(stack: Stack, offered: readonly string[] | undefined, selected: string | false) {
  using client = stack.open(offered)
  await client.send('ping').hears('ping')
  assert.equal(client.socket.alpnProtocol, selected, `${offered}`)
}

describe('a stream listener with alpn', () => {
  it('selects its own first protocol of those that a client offers', async () => {
    await using stack = await streamStack('alpn: [h2, grpc-exp]')
    await assertServed(stack, ['h2'], 'h2')
    await assertServed(stack, ['http/1.1', 'grpc-exp', 'h2'], 'h2')
    await assertServed(stack, ['grpc-exp'], 'grpc-exp')
    assert.equal(stack.failed(), 0)
  })

  it('refuses a client that offers only others in the handshake, with no_application_protocol (RFC 7301)', async () => {
    await using stack = await streamStack('alpn: [h2]')
    for (const [index, offered] of [['http/1.1'], ['H2'], ['h2c', 'http/1.0']].entries()) {
      using client = stack.open(offered)
      assert.equal(await client.toItsEnd(), '')
      assert.match(`${client.ending}`, /ALERT_NO_APPLICATION_PROTOCOL/)
      assert.equal(stack.failed(), index + 1)
    }
    await assertServed(stack, ['h2'], 'h2')
  })

  it('resets a client without ALPN, before a byte reaches the upstream', async () => {
    await using stack = await streamStack('alpn: [h2]')
    using client = stack.open()
    client.send('ping')
    assert.equal(await client.toItsEnd(), '')
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(stack.failed(), 1)
    assert.equal(stack.sidecar.routes[0]?.counters.connectionsTotal, 0)
  })

  it('is told on /routes, and a reload can change it', async () => {
    await using stack = await streamStack('alpn: [h2]')
    const told = async () => {
      const response = await fetch(`http://127.0.0.1:${opsPortOf(stack.sidecar)}/routes`)
      return JSON.stringify(await response.json()).match(/"alpn":(\[.*?\]|null)/)?.[1]
    }
    assert.equal(await told(), '["h2"]')
    await stack.reload('alpn: [postgresql]')
    assert.equal(await told(), '["postgresql"]')
    await assertServed(stack, ['h2', 'postgresql'], 'postgresql')
    await stack.reload('minVersion: TLSv1.2')
    assert.equal(await told(), 'null')
    await assertServed(stack, ['h2'], false)
    await assertServed(stack, undefined, false)
  })
})

describe('a stream to an upstream with TLS', () => {
  const NAME = 'grpc.example.org'
  let ca: Authority
  let server: KeyPair
  before(async () => {
    ca = await Authority.create()
    server = await ca.issue({ names: `DNS:${NAME}` })
    return () => ca[Symbol.asyncDispose]()
  })

  for (const [setting, selected] of [
    ['', false],
    [', alpn: [h2]', 'h2'],
    [', alpn: [grpc-exp, h2]', 'grpc-exp'],
  ] as const)
    it(`offers by ALPN what upstreamTls says: ${setting.slice(2) || 'nothing'}`, async () => {
      const { cert, key } = server
      await using upstream = await partner(({ socket, received }) => socket.write(`<${received}>`), {
        cert,
        key,
        ALPNProtocols: ['grpc-exp', 'h2'],
      })
      await using stack = await wayOutStack(
        `kind: stream, upstream: "tcp://${NAME}:${upstream.port}", upstreamTls: {ca: ${ca.certFile}${setting}}`,
        { top: 'ops: "tcp://127.0.0.1:0"' },
      )
      await stack.open().send('x').hears('<x>')
      const [socket] = upstream.sockets.filter(({ bytesRead }) => bytesRead > 0)
      assert.equal((socket as TLSSocket).alpnProtocol, selected)
      const response = await fetch(`http://127.0.0.1:${opsPortOf(stack.sidecar)}/routes`)
      const expected = setting.includes('h2') ? /"alpn":\[.*"h2"\]/ : /"alpn":null/
      assert.match(JSON.stringify(await response.json()), expected)
    })

  it('that speaks none of them: tls_refused', async () => {
    const { cert, key } = server
    await using upstream = await partner(() => undefined, { cert, key, ALPNProtocols: ['http/1.1'] })
    await using stack = await wayOutStack(
      `kind: stream, upstream: "tcp://${NAME}:${upstream.port}", upstreamTls: {ca: ${ca.certFile}, alpn: [h2]}`,
    )
    await stack.open().toItsEnd()
    await eventually('the failure to be counted', () => stack.failures('tls_refused') === 1)
  })
})

describe('the setting alpn', () => {
  const parse = (kind: string, where: 'tls' | 'upstreamTls', alpn: string) => {
    const rules =
      kind === 'http'
        ? ', allow: [GET /a]'
        : kind === 'connect'
          ? ', allow: ["CONNECT a.example.org:443"]'
          : ''
    const upstream = kind === 'connect' ? '' : ', upstream: "tcp://h:2"'
    const base = where === 'tls' ? 'certificate: /c, key: /k, ' : ''
    return parseFile(
      `{routes: [{name: a, kind: ${kind}, listen: "tcp://127.0.0.1:1"${upstream}${rules}, ${where}: {${base}alpn: ${alpn}}}]}`,
      'f',
    )
  }

  for (const where of ['tls', 'upstreamTls'] as const)
    describe(`of ${where}`, () => {
      it('is a list of protocol names', () => {
        const names = ['h2', 'http/1.1', 'postgresql', 'acme-tls/1', 'x_y.z', 'a'.repeat(255), '1', 'mqtt']
        const [route] = parse('stream', where, `[${names.map((name) => `"${name}"`).join(', ')}]`).routes
        assert.deepEqual(route?.kind === 'stream' && route[where]?.alpn, names)
      })

      for (const [what, alpn] of [
        ['no list', 'h2'],
        ['an empty list', '[]'],
        ['null', 'null'],
        ['a number', '[2]'],
        ['a name in capital letters', '[H2]'],
        ['an empty name', '[""]'],
        ['a space', '["h2 "]'],
        ['a comma', '["h2,http/1.1"]'],
        ['a control character', '["h\\0"]'],
        ['no ASCII', '["hé"]'],
        ['a name of more than 255 bytes', `[${'a'.repeat(256)}]`],
        ['a name twice', '[h2, h2]'],
        ['nine names', '[a, b, c, d, e, f, g, h, i]'],
      ] as const)
        it(`is a mistake with ${what}`, () => {
          assert.throws(
            () => parse('stream', where, alpn),
            new RegExp(`f:1 routes\\[0\\]\\.${where}\\.alpn.* may be a list of 1 to 8 protocols`),
          )
        })

      it('says that h2c is h2 without TLS', () => {
        assert.throws(() => parse('stream', where, '[h2, h2c]'), /alpn.* may not have h2c.*write h2/)
      })

      for (const kind of where === 'tls' ? ['http', 'connect'] : ['http'])
        it(`is a mistake with kind: ${kind}, whatever it names`, () => {
          for (const alpn of ['[h2]', '[http/1.1]', '[H2]'])
            assert.throws(
              () => parse(kind, where, alpn),
              new RegExp(
                `routes\\[0\\]\\.${where}\\.alpn is only for kind: stream: .*HTTP/1\\.1.*for HTTP/2 and gRPC`,
              ),
            )
        })
    })

  it('is a mistake on the operations port', () => {
    assert.throws(
      () =>
        parseFile(
          '{ops: {listen: "tcp://h:9", tls: {certificate: /c, key: /k, alpn: [h2]}}, routes: [{name: a, kind: stream, listen: "tcp://h:1", upstream: "unix:/a"}]}',
          'f',
        ),
      /ops\.tls\.alpn is only for kind: stream/,
    )
  })
})
