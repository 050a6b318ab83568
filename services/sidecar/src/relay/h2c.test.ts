import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect, performServerHandshake, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, httpStack } from '../testing/http-stack.ts'
import { mirror, silent } from '../testing/raw-server.ts'
import { portOf, sidecarWith } from '../testing/sidecar-with.ts'

const ALLOW = 'allow: [POST /session upgrade h2c, GET /a, GET /tcp upgrade tcp]'
/** SETTINGS_MAX_CONCURRENT_STREAMS of 100, as curl and nghttp send it. */
const SETTINGS = 'AAMAAABk'
const NAMED = 'Connection: Upgrade, HTTP2-Settings\r\n'

function session(fields: string): string {
  return `POST /session HTTP/1.1\r\nHost: a\r\n${fields}Upgrade: h2c\r\nContent-Length: 0\r\n\r\n`
}

/** The field lines of these names that the upstream receives, in its order. */
async function forwarded(request: string, allow = ALLOW): Promise<string[]> {
  const seen: string[] = []
  await using stack = await httpStack((dialogue) => {
    seen.push(dialogue.received)
    dialogue.received = ''
  }, allow)
  stack.open().send(request)
  await eventually('the request', () => seen.join('').includes('\r\n\r\n'))
  return seen
    .join('')
    .split('\r\n')
    .filter((line) => /^(connection|upgrade|http2.settings):/i.test(line))
}

describe('a request of a rule with upgrade h2c', () => {
  it('speaks HTTP/2 with the server after the 101, in both roles', async () => {
    await using directory = await tempDirectory()
    const seen: (string | string[] | undefined)[] = []
    using cleanup = new DisposableStack()
    const server = createServer().on('upgrade', (request, socket: Socket) => {
      seen.push(request.headers['http2-settings'], request.headers.connection, request.headers.upgrade)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
      const session: ServerHttp2Session = performServerHandshake(socket)
      cleanup.defer(() => session.destroy())
      session.on('stream', (stream, headers) => {
        stream.respond({ ':status': 200 })
        stream.end(`${headers[':path']} ${'x'.repeat(200_000)}`)
      })
    })
    server.listen(directory.at('u'))
    cleanup.defer(() => server.close())
    await once(server, 'listening')
    await using sidecar = await sidecarWith(
      `{drain: 500ms, routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", ${ALLOW}}]}`,
    )
    const asking = request({
      port: portOf(sidecar),
      path: '/session',
      method: 'POST',
      headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': SETTINGS },
    }).end()
    const [response, socket, early] = await once(asking, 'upgrade')
    socket.unshift(early)
    assert.deepEqual(seen, [SETTINGS, 'Upgrade, HTTP2-Settings', 'h2c'])
    assert.equal(response.headers.connection, 'Upgrade')
    assert.equal(response.headers['http2-settings'], undefined)
    const client = connect('http://localhost', { createConnection: () => socket })
    cleanup.defer(() => client.destroy())
    const bodies = await Promise.all(
      ['/one', '/two', '/three'].map((path) => text(client.request({ ':path': path }))),
    )
    assert.deepEqual(
      bodies.map((body) => `${body.split(' ')[0]} ${body.length}`),
      ['/one 200005', '/two 200005', '/three 200007'],
    )
    client.close()
    await once(client, 'close')
    await eventually('the tunnel to end', () => sidecar.routes[0]?.counters.tunnelsOpen.upgrade === 0)
  })

  it('passes HTTP2-Settings on, once, and its name in Connection', async () => {
    const lines = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', `HTTP2-Settings: ${SETTINGS}`]
    for (const fields of [
      `${NAMED}HTTP2-Settings: ${SETTINGS}\r\n`,
      `connection: http2-settings\r\nConnection: UPGRADE\r\nhttp2-settings:  ${SETTINGS} \r\n`,
      `Connection: keep-alive, Upgrade, HTTP2-Settings, X-Mine\r\nX-Mine: 1\r\nHTTP2-Settings: ${SETTINGS}\r\n`,
    ])
      assert.deepEqual(await forwarded(session(fields)), lines, fields)
    const long = 'AAQAAP__'.repeat(100)
    assert.equal(
      (await forwarded(session(`${NAMED}HTTP2-Settings: ${long}\r\n`)))[2],
      `HTTP2-Settings: ${long}`,
    )
  })

  it('may have none: the Docker CLI sends none', async () => {
    const lines = ['Connection: Upgrade', 'Upgrade: h2c']
    assert.deepEqual(await forwarded(session('Connection: Upgrade\r\n')), lines)
    assert.deepEqual(await forwarded(session(NAMED)), lines)
    const odd = `${NAMED}HTTP2_Settings: ${SETTINGS}\r\n`
    assert.deepEqual(await forwarded(session(odd)), lines)
  })

  for (const [what, fields, detail] of [
    ['are there twice', `${NAMED}${`HTTP2-Settings: ${SETTINGS}\r\n`.repeat(2)}`, /more than one/],
    ['are a list', `${NAMED}HTTP2-Settings: ${SETTINGS}, ${SETTINGS}\r\n`, /not settings of 6 bytes/],
    ['are empty', `${NAMED}HTTP2-Settings:\r\n`, /not settings of 6 bytes/],
    ['are base64 with + and /', `${NAMED}HTTP2-Settings: AAQAAP//\r\n`, /not settings of 6 bytes/],
    ['are padded', `${NAMED}HTTP2-Settings: AAMAAAA=\r\n`, /not settings of 6 bytes/],
    ['are no whole settings', `${NAMED}HTTP2-Settings: AAMAAABkAA\r\n`, /not settings of 6 bytes/],
    [
      'are not named in Connection',
      `Connection: Upgrade\r\nHTTP2-Settings: ${SETTINGS}\r\n`,
      /does not name/,
    ],
  ] as const)
    it(`is 400 bad_request when its HTTP2-Settings ${what}`, async () => {
      await using stack = await httpStack(silent, ALLOW)
      const { received } = await stack.open().send(session(fields)).hears('"hint"')
      assert.match(received, /^HTTP\/1.1 400 .*"bad_request"/s)
      assert.match(received, detail)
      assert.equal(stack.connections.length, 0)
    })
})

describe('HTTP2-Settings', () => {
  it('is dropped when the protocol is not switched to h2c', async () => {
    const settings = `HTTP2-Settings: ${SETTINGS}\r\n`
    const optional = GET.replace('Host', `${NAMED}Upgrade: h2c\r\n${settings}Host`)
    assert.deepEqual(await forwarded(optional), [])
    assert.deepEqual(await forwarded(GET.replace('Host', `${settings}${settings}Host`)), [])
    const tcp = `GET /tcp HTTP/1.1\r\nHost: a\r\n${NAMED}Upgrade: tcp\r\n${settings}\r\n`
    assert.deepEqual(await forwarded(tcp), ['Connection: Upgrade', 'Upgrade: tcp'])
    const both = tcp.replace('Upgrade: tcp', 'Upgrade: h2c, tcp')
    assert.deepEqual(await forwarded(both), ['Connection: Upgrade', 'Upgrade: tcp'])
  })

  it('of another message is not looked at: it may be anything', async () => {
    await using stack = await httpStack(mirror, ALLOW)
    await stack.open().send(GET.replace('Host', 'HTTP2-Settings: ?!\r\nHost')).hears('HTTP/1.1 200')
  })
})
