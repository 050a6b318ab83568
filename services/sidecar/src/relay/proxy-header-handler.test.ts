import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { before, describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { RouteCounters } from '../observe/route-counters.ts'
import type { ProxyHeaderFailure } from '../proxies/proxy-header.ts'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { makePair, secretDirectory, type TestPair, tlsText } from '../testing/certificates.ts'
import { BEARER, clientStack, WRONG_BEARER } from '../testing/clients.ts'
import { aTurn, Conversation } from '../testing/conversation.ts'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { addressesOf, headerOf, LOCAL_HEADER, proxyHeader, withChecksum } from '../testing/proxy-headers.ts'
import { mirror, rawServer, silent } from '../testing/raw-server.ts'
import { opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'
import { unixStack } from '../testing/unix-routes.ts'
import { ConnectionLimits, SharedRoom } from './connection-limits.ts'
import { Deadlines } from './deadlines.ts'
import { ProxyHeaderHandler } from './proxy-header-handler.ts'

const BEHIND = 'trustedProxies: [127.0.0.0/8], proxyProtocol: v2'
const HEADER = proxyHeader('203.0.113.7')

function failures({ routes }: Sidecar): Record<string, number> {
  return Object.fromEntries(
    [...(routes[0]?.counters.proxyHeaderFailures ?? [])].filter(([, count]) => count > 0),
  )
}

function counted(sidecar: Sidecar, reason: ProxyHeaderFailure, count = 1): Promise<true> {
  return eventually(`${reason} to be counted`, () => failures(sidecar)[reason] === count)
}

/** No connection has kept its place. */
function allFree({ routes }: Sidecar): Promise<true> {
  return eventually('the places to be given back', () => routes[0]?.limits.taken === 0)
}

/** A sidecar with one stream route and an upstream that sends back what it receives. */
async function echoStack(settings: string) {
  const directory = await tempDirectory()
  const server = await rawServer(directory.at('u'), (socket) => socket.pipe(socket))
  const sidecar = await sidecarWith(
    `{drain: 300ms, routes: [{name: s, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", ${settings}}]}`,
  )
  return {
    sidecar,
    open: () => new Conversation(portOf(sidecar)),
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe('an HTTP route with proxyProtocol: v2', () => {
  it('takes the address of the client from the header, and the request that follows it in the same bytes', async () => {
    await using stack = await httpStack(mirror, BEHIND)
    for (const [header, address] of [
      [HEADER, '203.0.113.7'],
      [proxyHeader('2001:db8::7'), '2001:db8::7'],
      [proxyHeader('::ffff:203.0.113.7'), '203.0.113.7'],
      [withChecksum('203.0.113.7'), '203.0.113.7'],
      [LOCAL_HEADER, '127.0.0.1'],
      [headerOf({ family: 0 }), '127.0.0.1'],
      [headerOf({ family: 0x31, addresses: Buffer.alloc(216) }), '127.0.0.1'],
    ] as const) {
      const client = stack.open().send(Buffer.concat([header, Buffer.from(GET)]))
      await client.hears(`X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: http\r\n`)
      client.received = ''
      await client.send(GET).hears(`X-Forwarded-For: ${address}\r\n`)
    }
    assert.deepEqual(failures(stack.sidecar), {})
  })

  it('takes it in two pieces, wherever they are split, and byte by byte', async () => {
    await using stack = await httpStack(mirror, BEHIND)
    const all = Buffer.concat([HEADER, Buffer.from(GET)])
    for (let cut = 1; cut < all.length; cut++) {
      const client = stack.open()
      await eventually('it to be accepted', () => stack.sidecar.routes[0]?.limits.taken === 1)
      client.send(all.subarray(0, cut))
      await aTurn()
      await client.send(all.subarray(cut)).hears('X-Forwarded-For: 203.0.113.7\r\n')
      client[Symbol.dispose]()
      await allFree(stack.sidecar)
    }
    const client = stack.open()
    for (const byte of all) {
      client.send(Buffer.of(byte))
      await aTurn()
    }
    await client.hears('X-Forwarded-For: 203.0.113.7\r\n')
  })

  it('reads no field about the client, also of a trusted address, unless forwardedField says so', async () => {
    const request = Buffer.from(
      GET.replace('Host', 'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nHost'),
    )
    for (const [settings, source, told] of [
      ['', '203.0.113.7', '203.0.113.7\r\nX-Forwarded-Proto: http\r\n'],
      ['', '127.0.0.9', '127.0.0.9\r\nX-Forwarded-Proto: http\r\n'],
      [', forwardedField: x-forwarded-for', '203.0.113.7', '203.0.113.7\r\nX-Forwarded-Proto: http\r\n'],
      [
        ', forwardedField: x-forwarded-for',
        '127.0.0.9',
        '198.51.100.1, 127.0.0.9\r\nX-Forwarded-Proto: https\r\n',
      ],
    ] as const) {
      await using stack = await httpStack(mirror, BEHIND + settings)
      const client = stack.open().send(Buffer.concat([proxyHeader(source), request]))
      await client.hears('X-Request-Id')
      assert.ok(client.received.includes(`X-Forwarded-For: ${told}`), client.received)
    }
  })

  it('counts connections by the address of the header, those that wait for one not at all', async () => {
    await using stack = await httpStack(mirror, `${BEHIND}, limits: {connectionsPerAddress: 1}`)
    const waiting = [stack.open(), stack.open(), stack.open()]
    await eventually('all to be accepted', () => stack.sidecar.routes[0]?.limits.taken === 3)
    const [first, second, third] = waiting
    await first?.send(Buffer.concat([HEADER, Buffer.from(GET)])).hears('X-Request-Id')
    await second?.send(Buffer.concat([proxyHeader('203.0.113.8'), Buffer.from(GET)])).hears('X-Request-Id')
    await third?.send(Buffer.concat([HEADER, Buffer.from(GET)])).hears('"overloaded"')
  })

  it('resets one connection too many before its header', async () => {
    await using stack = await httpStack(mirror, `${BEHIND}, limits: {connections: 1}`)
    const first = stack.open()
    await eventually('it to be accepted', () => stack.sidecar.routes[0]?.limits.taken === 1)
    const second = stack.open()
    await second.toItsEnd()
    assert.deepEqual([second.received, second.ending], ['', 'ECONNRESET'])
    assert.equal(stack.failures('overloaded'), 1)
    await first.send(Buffer.concat([HEADER, Buffer.from(GET)])).hears('X-Request-Id')
  })
})

describe('a connection without a valid header', () => {
  for (const [what, bytes, reason] of [
    ['HTTP', Buffer.from(GET), 'missing'],
    ['a handshake of TLS', Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'), 'missing'],
    [
      'a header of version 1',
      Buffer.from(`PROXY TCP4 203.0.113.7 127.0.0.1 56324 443\r\n${GET}`),
      'version_1',
    ],
    ['version 3', Buffer.from(HEADER).fill(0x31, 12, 13), 'malformed'],
    [
      'no room for its addresses',
      headerOf({ family: 0x11, addresses: addressesOf('203.0.113.7'), length: 11 }),
      'malformed',
    ],
    ['65,535 bytes', headerOf({ family: 0x11, length: 65_535 }), 'too_long'],
    ['a wrong checksum', withChecksum('203.0.113.7', true), 'checksum'],
  ] as const)
    it(`but ${what}, is reset, and the upstream sees nothing of it`, async () => {
      await using stack = await httpStack(mirror, BEHIND)
      const client = stack.open().send(Buffer.concat([bytes, Buffer.from(GET)]))
      await client.toItsEnd()
      assert.deepEqual([client.received, client.ending], ['', 'ECONNRESET'])
      await counted(stack.sidecar, reason)
      assert.deepEqual(failures(stack.sidecar), { [reason]: 1 })
      assert.equal(stack.connections.length, 0)
      await allFree(stack.sidecar)
    })

  it('in time is reset, however slowly it sends one', async () => {
    await using stack = await httpStack(mirror, `${BEHIND}, timeouts: {proxyHeader: 100ms}`)
    const slow = stack.open().send(HEADER.subarray(0, 20))
    const mute = stack.open()
    await slow.toItsEnd()
    await mute.toItsEnd()
    assert.deepEqual([slow.ending, mute.ending], ['ECONNRESET', 'ECONNRESET'])
    assert.deepEqual(failures(stack.sidecar), { timeout: 2 })
    await allFree(stack.sidecar)
  })

  it('that it ends itself is closed: counted if it has sent something, a probe of the port if not', async () => {
    await using stack = await httpStack(mirror, BEHIND)
    const probe = stack.open()
    probe.socket.end()
    await probe.toItsEnd()
    const cut = stack.open().send(HEADER.subarray(0, 20))
    cut.socket.end()
    await cut.toItsEnd()
    await counted(stack.sidecar, 'closed')
    await allFree(stack.sidecar)
    assert.deepEqual(failures(stack.sidecar), { closed: 1 })
  })

  it('or from an untrusted address is reset at once, before it has sent anything', async () => {
    for (const proxies of ['[10.0.0.0/8]', '[127.0.0.2]', '["uid:0", 10.0.0.0/8]']) {
      await using stack = await httpStack(mirror, `trustedProxies: ${proxies}, proxyProtocol: v2`)
      const client = stack.open()
      await client.toItsEnd()
      assert.deepEqual([client.received, client.ending], ['', 'ECONNRESET'])
      await counted(stack.sidecar, 'untrusted')
      const valid = stack.open().send(Buffer.concat([HEADER, Buffer.from(GET)]))
      assert.equal(await valid.toItsEnd(), '')
      await allFree(stack.sidecar)
      assert.equal(stack.connections.length, 0)
    }
  })

  it('is in the metrics, whose reasons are all there from the start', async () => {
    const directory = await tempDirectory()
    await using _ = directory
    await using sidecar = await sidecarWith(
      `{ops: "tcp://127.0.0.1:0", routes: [{name: s, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", ${BEHIND}}]}`,
    )
    const metrics = await (await fetch(`http://127.0.0.1:${opsPortOf(sidecar)}/metrics`)).text()
    for (const reason of [
      'untrusted',
      'missing',
      'version_1',
      'malformed',
      'too_long',
      'checksum',
      'timeout',
      'closed',
    ])
      assert.ok(
        metrics.includes(`sidecar_proxy_header_failures_total{route="s",reason="${reason}"} 0\n`),
        reason,
      )
    const routes = await (await fetch(`http://127.0.0.1:${opsPortOf(sidecar)}/routes`)).text()
    assert.match(
      routes,
      /"trustedProxies": \[\s*"127\.0\.0\.0\/8"\s*\],\s*"proxyProtocol": "v2",\s*"forwardedField": null/,
    )
  })
})

describe('a stream route with proxyProtocol: v2', () => {
  it('relays what follows the header, in the same bytes or later, and its end', async () => {
    await using stack = await echoStack(BEHIND)
    using joined = stack.open().send(Buffer.concat([HEADER, Buffer.from('hello')]))
    await joined.hears('hello')
    using ended = stack.open().send(Buffer.concat([HEADER, Buffer.from('bye')]))
    ended.socket.end()
    assert.equal(await ended.toItsEnd(), 'bye')
    using alone = stack.open().send(HEADER)
    alone.socket.end()
    assert.equal(await alone.toItsEnd(), '')
    using apart = stack.open().send(HEADER)
    await eventually('it to be joined', () => stack.sidecar.routes[0]?.counters.connectionsTotal === 4)
    await apart.send('later').hears('later')
    using two = stack.open().send(Buffer.concat([HEADER, HEADER]))
    await two.hears(HEADER.toString('latin1'))
    assert.deepEqual(failures(stack.sidecar), {})
  })

  it('relays megabytes that begin in the segment of the header', async () => {
    await using stack = await echoStack(BEHIND)
    using client = stack.open()
    const sent = Buffer.alloc(3_000_000, 'abcdefghijk')
    client.send(Buffer.concat([HEADER, sent])).socket.end()
    assert.equal(await client.toItsEnd(), sent.toString('latin1'))
  })

  it('counts connections by the address of the header', async () => {
    await using stack = await echoStack(`${BEHIND}, limits: {connectionsPerAddress: 1}`)
    using first = stack.open().send(Buffer.concat([HEADER, Buffer.from('1')]))
    await first.hears('1')
    using same = stack.open().send(Buffer.concat([HEADER, Buffer.from('2')]))
    assert.equal(await same.toItsEnd(), '')
    assert.equal(stack.sidecar.routes[0]?.counters.failures.get('overloaded'), 1)
    using other = stack.open().send(Buffer.concat([proxyHeader('203.0.113.8'), Buffer.from('3')]))
    await other.hears('3')
  })

  it('logs who the client of each stream was', async () => {
    await using stack = await unixStack()
    const route = `{name: s, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${stack.at('u')}", ${BEHIND}, limits: {connectionsPerAddress: 1}}`
    await using sidecar = await stack.start(`accessLog: all\nroutes: [${route}]`)
    const port = await sidecar.port('s')
    using first = new Conversation(port).send(Buffer.concat([HEADER, Buffer.from(GET)]))
    await first.hears('ok')
    using second = new Conversation(port).send(HEADER)
    await second.toItsEnd()
    await sidecar.logs(
      '"address":"203.0.113.7","uid":null,"method":null,"path":null,"status":null,"code":"overloaded"',
    )
    first[Symbol.dispose]()
    await sidecar.logs(
      '"address":"203.0.113.7","uid":null,"method":null,"path":null,"status":null,"code":null',
    )
  })

  it('lets headers in progress end while it drains, for a while', async () => {
    const stack = await echoStack(BEHIND)
    using late = stack.open().send(HEADER.subarray(0, 5))
    await eventually('it to be accepted', () => stack.sidecar.routes[0]?.limits.taken === 1)
    const ended = stack[Symbol.asyncDispose]()
    await late.toItsEnd()
    assert.equal(late.ending, 'ECONNRESET')
    await ended
    assert.equal(stack.sidecar.routes[0]?.limits.taken, 0)
  })
})

describe('a route of kind connect with proxyProtocol: v2', () => {
  it('reads a CONNECT after the header, and counts its clients', async () => {
    const limits = 'limits: {connectionsPerAddress: 1}'
    await using sidecar = await sidecarWith(
      `routes: [{name: c, kind: connect, listen: "tcp://127.0.0.1:0", allow: ["CONNECT a.example:443"], ${BEHIND}, ${limits}}]`,
    )
    const connect = 'CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n'
    using first = new Conversation(portOf(sidecar)).send(HEADER)
    await eventually('it to be accepted', () => sidecar.routes[0]?.counters.connectionsOpen === 1)
    using same = new Conversation(portOf(sidecar)).send(Buffer.concat([HEADER, Buffer.from(connect)]))
    await same.hears('"overloaded"')
    using other = new Conversation(portOf(sidecar)).send(Buffer.concat([LOCAL_HEADER, Buffer.from(connect)]))
    await other.hears('"egress_denied"')
    await first.send(connect).hears('"egress_denied"')
    using none = new Conversation(portOf(sidecar)).send(connect)
    assert.equal(await none.toItsEnd(), '')
    assert.deepEqual(failures(sidecar), { missing: 1 })
  })
})

describe('the header and TLS', () => {
  let pair: TestPair
  before(async () => {
    pair = await makePair()
  })

  it('come in this order, and the limits of the handshake are those of the client', async () => {
    const { connect } = await import('node:tls')
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(
      mirror,
      `${BEHIND}, ${tlsText(secret)}, limits: {connectionsPerAddress: 1}`,
    )
    const over = (source: string, split: number) => {
      const raw = new Conversation(portOf(stack.sidecar))
      const header = proxyHeader(source)
      raw.send(header.subarray(0, split))
      raw.send(header.subarray(split))
      raw.socket.removeAllListeners('data').setEncoding('latin1')
      return new Conversation(connect({ socket: raw.socket, ca: pair.cert, servername: 'localhost' }))
    }
    for (const split of [28, 3]) {
      using client = over(`203.0.113.${split}`, split)
      await client.send(GET).hears(`X-Forwarded-For: 203.0.113.${split}\r\nX-Forwarded-Proto: https\r\n`)
      using other = over(`198.51.100.${split}`, split)
      await other.send(GET).hears(`X-Forwarded-For: 198.51.100.${split}\r\n`)
    }
    using plain = new Conversation(portOf(stack.sidecar)).send(Buffer.concat([HEADER, Buffer.from(GET)]))
    assert.match(await plain.toItsEnd(), /"tls_required"/)
    assert.deepEqual(failures(stack.sidecar), {})
  })
})

describe('the address in a header', () => {
  it('counts for failed attempts, and is never an identity', async () => {
    await using stack = await clientStack(`allow: [GET /a for prometheus], ${BEHIND}`)
    const ask = async (source: string, fields: string) => {
      using client = stack.open()
      client.send(
        Buffer.concat([
          proxyHeader(source),
          Buffer.from(`GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`),
        ]),
      )
      return /"code":"(\w+)"/.exec(await client.toItsEnd())?.[1] ?? 'served'
    }
    for (let i = 0; i < 10; i++) assert.equal(await ask('203.0.113.7', WRONG_BEARER), 'bad_credentials')
    assert.equal(await ask('203.0.113.7', WRONG_BEARER), 'too_many_attempts')
    assert.equal(await ask('203.0.113.8', WRONG_BEARER), 'bad_credentials')
    assert.equal(await ask('127.0.0.1', ''), 'unauthenticated')
    assert.equal(await ask('203.0.113.7', BEARER), 'served')
  })

  it('does not hide the uid of a proxy on a Unix socket, which is the identity', async () => {
    const settings = 'allow: [GET /a for me, GET /b for stranger], trustedProxies: [unix], proxyProtocol: v2'
    await using stack = await clientStack(settings, { unix: true })
    const ask = (path: string) =>
      stack.open().send(Buffer.concat([HEADER, Buffer.from(GET.replace('/a', path))]))
    await ask('/a').hears(
      'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-User: me\r\n',
    )
    await ask('/b').hears('"not_permitted"')
    const strict = settings.replace('[unix]', '["uid:4000000"]')
    await using closed = await clientStack(strict, { unix: true })
    assert.equal(await closed.open().toItsEnd(), '')
    await counted(closed.sidecar, 'untrusted')
  })
})

describe('a reload', () => {
  it('that changes proxyProtocol or trustedProxies counts for new connections', async () => {
    await using stack = await clientStack('allow: [GET /a]')
    const kept = stack.open()
    await kept.send(GET).hears('X-Request-Id')
    await stack.apply(`allow: [GET /a], ${BEHIND}`)
    assert.equal(await stack.open().send(GET).toItsEnd(), '')
    await stack
      .open()
      .send(Buffer.concat([HEADER, Buffer.from(GET)]))
      .hears('X-Forwarded-For: 203.0.113.7\r\n')
    await stack.apply('allow: [GET /a], trustedProxies: [10.0.0.0/8], proxyProtocol: v2')
    assert.equal(
      await stack
        .open()
        .send(Buffer.concat([HEADER, Buffer.from(GET)]))
        .toItsEnd(),
      '',
    )
    await stack.apply('allow: [GET /a]')
    await stack.open().send(GET).hears('X-Forwarded-For: 127.0.0.1\r\n')
  })
})

describe('the log', () => {
  it('has ten lines a minute about connections without a valid header, each with who, why and what to do', async () => {
    const lines: Record<string, unknown>[] = []
    const clock = { ms: 0 }
    const deadlines = new Deadlines(() => clock.ms)
    const handler = new ProxyHeaderHandler({
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      trustedProxies: ['127.0.0.1'],
      timeoutMs: 1_000,
      next: { accept: (socket) => socket.destroy(), drain: async () => undefined },
      limits: new ConnectionLimits({
        connections: 9,
        connectionsPerAddress: 9,
        descriptors: 1,
        room: new SharedRoom(),
      }),
      deadlines,
      counters: new RouteCounters(),
      log: { warn: (facts) => lines.push({ ...facts }) },
    })
    const server = createServer((socket) => handler.accept(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const connect = () => new Conversation(address.port).send('GET /').toItsEnd()
    for (let i = 0; i < 14; i++) await connect()
    assert.equal(lines.length, 10)
    const [line] = lines
    assert.deepEqual([line?.caller, line?.reason], ['127.0.0.1', 'missing'])
    assert.match(`${line?.hint}`, /send-proxy-v2/)
    clock.ms = 60_000
    deadlines.advance()
    await connect()
    assert.equal(lines.at(-1)?.unlogged, 4)
    assert.equal(lines.length, 11)
    server.close()
  })
})

it('a flood without a header keeps no places', async () => {
  await using stack = await httpStack(silent, BEHIND)
  for (let i = 0; i < 50; i++) await stack.open().send(OK).toItsEnd()
  await counted(stack.sidecar, 'missing', 50)
  await allFree(stack.sidecar)
})
