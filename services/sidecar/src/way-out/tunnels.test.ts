import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { WebSocket, WebSocketServer } from 'ws'
import { issuedTo } from '../testing/certificates.ts'
import { aTurn } from '../testing/conversation.ts'
import { type Partner, partner, type WayOutStack, wayOutStack } from '../testing/partner.ts'
import type { OnReceived } from '../testing/raw-server.ts'

const NAME = 'api.example.org'
const issued = issuedTo(NAME)

const ALLOW = 'allow: [GET /up upgrade tcp, GET /ws upgrade websocket, GET /events long]'
const FIELDS = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'
const UPGRADE = `GET /up HTTP/1.1\r\nHost: a\r\n${FIELDS}\r\n`
const SWITCHED = `HTTP/1.1 101 UPGRADED\r\n${FIELDS}\r\n`
const EVENTS = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n'
/** More than all buffers on the way hold. */
const MANY = Buffer.from(Array.from({ length: 8_000_000 }, (_, at) => (at * 7 + (at >> 9)) & 0xff))

function stackFor({ port }: Pick<Partner, 'port'>, settings = ''): Promise<WayOutStack> {
  return wayOutStack(
    `upstream: "tcp://${NAME}:${port}", upstreamTls: {ca: ${issued.ca.certFile}}, ${ALLOW}${settings}`,
  )
}

function tunnels({ sidecar }: WayOutStack, kind: 'long' | 'upgrade'): number | undefined {
  return sidecar.routes[0]?.counters.tunnelsOpen[kind]
}

/** Switches protocols, sends `first` with the 101, and echoes in capital letters. */
function switching(first = ''): OnReceived {
  return (dialogue) => {
    const { socket, received } = dialogue
    dialogue.received = ''
    if (!received.startsWith('GET')) socket.write(received.toUpperCase())
    else {
      socket.write(`${SWITCHED}${first}`)
      socket.once('end', () => socket.end('bye'))
    }
  }
}

/** The connection on which the partner got a request; a probe sends none. */
function requested({ sockets }: Partner) {
  const socket = sockets.find(({ bytesRead, destroyed }) => bytesRead > 0 && !destroyed)
  assert.ok(socket)
  return socket
}

describe('an upgraded connection to an upstream with TLS', () => {
  it('carries a WebSocket: messages both ways, and the close of either side', async () => {
    const server = createServer({ cert: issued.pair.cert, key: issued.pair.key })
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) =>
      socket.on('message', (data, binary) => socket.send(data, { binary })),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    await using stack = await stackFor({ port: address.port })
    const client = new WebSocket(`ws+unix://${stack.directory.at('out.sock')}:/ws`)
    await once(client, 'open')
    for (const message of ['hello', 'x'.repeat(300_000)]) {
      client.send(message)
      const [data] = await once(client, 'message')
      assert.ok(String(data) === message)
    }
    for (const socket of sockets.clients) socket.close(1_001)
    const [code] = await once(client, 'close')
    assert.equal(code, 1_001)
    await eventually('the tunnel to be closed', () => tunnels(stack, 'upgrade') === 0)
    server.close()
    server.closeAllConnections()
  })

  it('is asked for with the protocol of the rule alone, also of an upstream that is not told who asks', async () => {
    let heard = ''
    await using server = await partner(({ received }) => {
      heard = received
    }, issued.pair)
    await using stack = await stackFor(server)
    stack.open().send(UPGRADE.replace('Upgrade: tcp', 'Upgrade: h2c, tcp'))
    await eventually('the request', () => heard.endsWith('\r\n\r\n'))
    const lines = heard.split('\r\n').filter((line) => /^(connection|upgrade):/i.test(line))
    assert.deepEqual(lines, ['Connection: Upgrade', 'Upgrade: tcp'])
  })

  it('passes on the end of the client, and what the upstream still sends', async () => {
    await using server = await partner(switching(), issued.pair)
    await using stack = await stackFor(server)
    const client = await stack.open().send(UPGRADE).hears(SWITCHED)
    await client.send('ping').hears('PING')
    client.socket.end()
    assert.equal(await client.toItsEnd(), `${SWITCHED}PINGbye`)
    assert.equal(client.ending, 'end')
    await eventually('the tunnel to be closed', () => tunnels(stack, 'upgrade') === 0)
  })

  it('gives all that comes after the 101 to a client that ended with its request', async () => {
    const many = 'x'.repeat(200_000)
    await using server = await partner(switching(many), issued.pair)
    await using stack = await stackFor(server)
    const client = stack.open().send(UPGRADE)
    client.socket.end()
    assert.ok((await client.toItsEnd()) === `${SWITCHED}${many}bye`, `only ${client.received.length} bytes`)
  })

  it('goes on in the other direction when the upstream ends its side first', async () => {
    let heard = ''
    await using server = await partner((dialogue) => {
      heard += dialogue.received
      dialogue.received = ''
    }, issued.pair)
    await using stack = await stackFor(server)
    const client = stack.open().send(UPGRADE)
    await eventually('the request', () => heard.endsWith('\r\n\r\n'))
    requested(server).end(`${SWITCHED}last`)
    assert.equal(await client.toItsEnd(), `${SWITCHED}last`)
    client.send('still here')
    await eventually('the bytes', () => heard.endsWith('still here'))
  })

  it('passes on what comes together with the 101', async () => {
    await using server = await partner(switching('first bytes'), issued.pair)
    await using stack = await stackFor(server)
    const client = await stack.open().send(UPGRADE).hears('first bytes')
    await client.send('ping').hears('PING')
    assert.equal(client.received, `${SWITCHED}first bytesPING`)
  })

  it('passes on many bytes that come together with the 101, also to a client that does not read yet', async () => {
    await using server = await partner((dialogue) => {
      if (!dialogue.received.endsWith('\r\n\r\n')) return
      dialogue.socket.write(Buffer.concat([Buffer.from(SWITCHED), MANY]))
    }, issued.pair)
    await using stack = await stackFor(server)
    const client = stack.open().send(UPGRADE)
    client.socket.pause()
    await eventually('the tunnel to be joined', () => tunnels(stack, 'upgrade') === 1)
    for (let turn = 0; turn < 50; turn++) await aTurn()
    client.socket.resume()
    await eventually('all bytes', () => client.received.length === SWITCHED.length + MANY.length)
    assert.ok(client.received.slice(SWITCHED.length) === MANY.toString('latin1'))
  })

  it('holds the upstream back while the client does not read, and loses nothing', async () => {
    await using server = await partner((dialogue) => {
      if (dialogue.received.endsWith('\r\n\r\n')) dialogue.socket.write(SWITCHED)
    }, issued.pair)
    await using stack = await stackFor(server)
    const client = await stack.open().send(UPGRADE).hears(SWITCHED)
    client.received = ''
    client.socket.pause()
    const upstream = requested(server)
    upstream.write(MANY)
    let [before, same] = [-1, 0]
    await eventually('the upstream to be held back', async () => {
      await aTurn()
      same = upstream.writableLength === before ? same + 1 : 0
      before = upstream.writableLength
      return same > 20
    })
    assert.ok(before > MANY.length / 4, `the sidecar took all but ${before} bytes`)
    client.socket.resume()
    await eventually('all bytes', () => client.received.length === MANY.length)
    assert.ok(client.received === MANY.toString('latin1'))
  })

  it('holds the client back while the upstream does not read, and loses nothing', async () => {
    let [heard, count] = ['', 0]
    const chunks: Buffer[] = []
    await using server = await partner((dialogue) => {
      heard += dialogue.received
      dialogue.received = ''
    }, issued.pair)
    await using stack = await stackFor(server)
    const client = stack.open().send(UPGRADE)
    await eventually('the request', () => heard.endsWith('\r\n\r\n'))
    const upstream = requested(server)
    upstream.write(SWITCHED)
    await client.hears(SWITCHED)
    upstream.removeAllListeners('data').pause()
    client.send(MANY)
    let [before, same] = [-1, 0]
    await eventually('the client to be held back', async () => {
      await aTurn()
      same = client.socket.writableLength === before ? same + 1 : 0
      before = client.socket.writableLength
      return same > 20
    })
    assert.ok(before > MANY.length / 4, `the sidecar took all but ${before} bytes`)
    upstream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      count += chunk.length
    })
    upstream.resume()
    await eventually('all bytes', () => count === MANY.length)
    assert.ok(Buffer.concat(chunks).equals(MANY))
  })

  it('is cut, and counted, when the connection to the upstream breaks', async () => {
    await using server = await partner(switching(), issued.pair)
    const transports: Socket[] = []
    server.server.on('connection', (socket: Socket) => transports.push(socket))
    await using stack = await stackFor(server)
    const client = await stack.open().send(UPGRADE).hears(SWITCHED)
    for (const transport of transports) transport.resetAndDestroy()
    await client.toItsEnd()
    await eventually('the tunnel to be closed', () => tunnels(stack, 'upgrade') === 0)
    assert.equal(stack.failures('upstream_reset'), 1)
  })
})

describe('a long response of an upstream with TLS', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  const events: OnReceived = (dialogue) => {
    if (!dialogue.received.endsWith('\r\n\r\n')) return
    dialogue.received = ''
    dialogue.socket.write(`${HEAD}5\r\nfirst\r\n`)
  }

  it('is passed on byte by byte, beyond timeouts.body and timeouts.total', async () => {
    await using server = await partner(events, issued.pair)
    await using stack = await stackFor(server, ', timeouts: {body: 50ms, total: 100ms}')
    const client = await stack.open().send(EVENTS).hears('first')
    await stack.open().send('GET /other HTTP/1.1\r\nHost: a\r\n\r\n').hears('path_not_allowed')
    const upstream = requested(server)
    for (const text of ['1', '\r\na', '\r\n1\r\nb\r\n']) {
      upstream.write(text)
      await client.hears(text)
    }
    upstream.write('0\r\n\r\n')
    await client.hears('b\r\n0\r\n\r\n')
    assert.equal(client.ending, null)
  })

  for (const [how, leave] of [
    ['resets', 'resetAndDestroy'],
    ['closes', 'destroy'],
  ] as const)
    it(`releases its upstream when the client ${how} the connection`, async () => {
      await using server = await partner(events, issued.pair)
      await using stack = await stackFor(server)
      const client = await stack.open().send(EVENTS).hears('first')
      const upstream = requested(server)
      if (leave === 'destroy') client.socket.destroy()
      else client[Symbol.dispose]()
      await eventually('the upstream to be released', () => upstream.destroyed || upstream.readableEnded)
      await eventually('the tunnel to be closed', () => tunnels(stack, 'long') === 0)
    })

  it('holds the upstream back while the client does not read, and loses nothing', async () => {
    await using server = await partner((dialogue) => {
      if (dialogue.received.endsWith('\r\n\r\n')) dialogue.socket.write('HTTP/1.1 200 OK\r\n\r\n')
    }, issued.pair)
    await using stack = await stackFor(server, ', limits: {responseBufferBytes: 64KiB}')
    const client = await stack.open().send(EVENTS).hears('\r\n\r\n')
    const head = client.received.length
    client.socket.pause()
    const upstream = requested(server)
    upstream.end(MANY)
    let [before, same] = [-1, 0]
    await eventually('the upstream to be held back', async () => {
      await aTurn()
      same = upstream.writableLength === before ? same + 1 : 0
      before = upstream.writableLength
      return same > 20
    })
    assert.ok(before > MANY.length / 4, `the sidecar took all but ${before} bytes`)
    client.socket.resume()
    await client.hears('\r\n0\r\n\r\n')
    assert.ok(unchunked(client.received.slice(head)) === MANY.toString('latin1'))
  })
})

/** The body in a chunked response that is whole. */
function unchunked(text: string): string {
  const parts: string[] = []
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    if (size === 0) return parts.join('')
    parts.push(text.slice(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
