import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { MAX_REFUSED } from '../relay/connection-limits.ts'
import {
  makePair,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { Conversation } from '../testing/conversation.ts'
import { Random } from '../testing/fuzz/random.ts'
import { GET, type HttpStack, httpStack, OK } from '../testing/http-stack.ts'
import { rawServer, responding } from '../testing/raw-server.ts'
import { HeldClock, opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'

/** The beginning of a ClientHello: a record of 512 bytes, of which more are to come. */
const HALF_HELLO = Buffer.from('160301020001', 'hex')
const SEED = 20_261_128
const FUZZED = 300

let pair: TestPair
before(async () => {
  pair = await makePair()
})

function failures({ sidecar }: Pick<HttpStack, 'sidecar'>) {
  return sidecar.routes[0]?.tls?.counters.handshakeFailures ?? new Map<string, number>()
}

async function isServed(port: number): Promise<boolean> {
  using client = tlsConversation(port, pair)
  await client.send(GET).hears('ok')
  return true
}

/** Opens connections that begin a handshake and never go on. */
async function halfOpen(port: number, count: number): Promise<Conversation[]> {
  const clients = Array.from({ length: count }, () => new Conversation(port).send(HALF_HELLO))
  await eventually('all to be connected', () =>
    clients.every(({ socket, ending }) => !socket.connecting || ending !== null),
  )
  return clients
}

describe('a handshake', () => {
  it('that comes one byte at a time is reset at its deadline, and counted', async () => {
    await using secret = await secretDirectory(pair)
    const time = new HeldClock()
    await using stack = await httpStack(responding(OK), tlsText(secret, 'handshakeTimeout: 200ms'), time)
    const client = stack.open()
    time.go()
    let sent = 0
    const dripping = setInterval(() => {
      if (client.socket.writable) client.send(HALF_HELLO.subarray(sent, ++sent))
    }, 20)
    await client.toItsEnd()
    clearInterval(dripping)
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(failures(stack).get('timeout'), 1)
    time.hold() // a good handshake has the same time
    assert.equal(await isServed(portOf(stack.sidecar)), true)
  })

  it('that does not begin is reset at the same deadline', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret, 'handshakeTimeout: 100ms'))
    const client = stack.open()
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
  })

  it('that is done has no deadline any more', async () => {
    await using secret = await secretDirectory(pair)
    const time = new HeldClock()
    await using stack = await httpStack(responding(OK), tlsText(secret, 'handshakeTimeout: 100ms'), time)
    using client = tlsConversation(portOf(stack.sidecar), pair)
    await client.send(GET).hears('ok')
    time.go()
    const late = stack.open() // its deadline is later than that of the client would have been
    await late.toItsEnd()
    client.received = ''
    await client.send(GET).hears('ok')
  })

  it('of 500 clients of one address that do not go on keeps nobody out, and half of the places are theirs', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret, 'handshakeTimeout: 1m'))
    const clients = await halfOpen(portOf(stack.sidecar), 500)
    assert.equal(await isServed(portOf(stack.sidecar)), true)
    await eventually('the oldest to be reset', () => {
      const open = clients.filter(({ ending }) => ending === null).length
      return open <= 256
    })
    assert.ok((failures(stack).get('overloaded') ?? 0) >= 244)
    for (const client of clients) client[Symbol.dispose]()
  })

  it('takes a place of limits.connections, and gives it to a new client', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(
      responding(OK),
      `${tlsText(secret, 'handshakeTimeout: 1m')}, limits: {connections: 4}`,
    )
    using kept = tlsConversation(portOf(stack.sidecar), pair)
    await kept.send(GET).hears('ok')
    const clients = await halfOpen(portOf(stack.sidecar), 10)
    assert.equal(await isServed(portOf(stack.sidecar)), true)
    await eventually('at most three to be left', () => {
      return clients.filter(({ ending }) => ending === null).length <= 3
    })
    kept.received = ''
    await kept.send(GET).hears('ok')
    for (const client of clients) client[Symbol.dispose]()
  })

  it('is done when open connections have all places, and the client gets a 503 that says so', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), `${tlsText(secret)}, limits: {connections: 1}`)
    using kept = tlsConversation(portOf(stack.sidecar), pair)
    await kept.send(GET).hears('ok')
    using late = tlsConversation(portOf(stack.sidecar), pair)
    const response = await late.send(GET).toItsEnd()
    assert.match(response, /^HTTP\/1\.1 503 .*"code":"overloaded".*limits\.connections/s)
    assert.equal(late.ending, 'end')
    assert.equal(stack.failures('overloaded'), 1)
    kept.received = ''
    await kept.send(GET).hears('ok')
  })

  it('is reset when open connections have all places and many clients are being told so', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(
      responding(OK),
      `${tlsText(secret, 'handshakeTimeout: 1m')}, limits: {connections: 1}`,
    )
    using kept = tlsConversation(portOf(stack.sidecar), pair)
    await kept.send(GET).hears('ok')
    const clients = await halfOpen(portOf(stack.sidecar), 2 * MAX_REFUSED)
    await eventually(
      'half of them to be reset',
      () => clients.filter(({ ending }) => ending === 'ECONNRESET').length === MAX_REFUSED,
    )
    assert.equal(stack.failures('overloaded'), MAX_REFUSED)
    await eventually('the rest to be reset after 2 s, not after 1 min', () =>
      clients.every(({ ending }) => ending === 'ECONNRESET'),
    )
    using late = tlsConversation(portOf(stack.sidecar), pair)
    assert.match(await late.send(GET).toItsEnd(), /^HTTP\/1\.1 503 /)
    kept.received = ''
    await kept.send(GET).hears('ok')
    for (const client of clients) client[Symbol.dispose]()
  })

  it('of a client without a place on a stream route is not begun', async () => {
    await using secret = await secretDirectory(pair)
    await using directory = await tempDirectory()
    await using upstream = await rawServer(directory.at('u'), (socket) => socket.pipe(socket))
    assert.equal(upstream.sockets.length, 0)
    await using sidecar = await sidecarWith(
      `{drain: 0s, routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", limits: {connections: 1}, ${tlsText(secret)}}]}`,
    )
    using kept = tlsConversation(portOf(sidecar), pair)
    await kept.send('ping').hears('ping')
    using late = tlsConversation(portOf(sidecar), pair)
    await late.toItsEnd()
    assert.equal(late.ending, 'ECONNRESET')
    assert.equal(failures({ sidecar }).get('overloaded'), 1)
  })

  it('in progress does not hold up a drain, however long that may take', async () => {
    await using secret = await secretDirectory(pair)
    const sidecar = await sidecarWith(
      `{drain: 10m, routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere", ${tlsText(secret, 'handshakeTimeout: 1m')}}]}`,
    )
    const [client] = await halfOpen(portOf(sidecar), 1)
    await eventually('the handshake to have begun', () => sidecar.routes[0]?.limits.taken === 1)
    const closed = sidecar[Symbol.asyncDispose]()
    await client?.toItsEnd()
    assert.equal(client?.ending, 'ECONNRESET')
    assert.equal(failures({ sidecar }).get('closed'), 1)
    await closed
  })
})

describe('a client that stops reading after the handshake', () => {
  it('is reset at the deadline of the body, and costs nobody else', async () => {
    await using secret = await secretDirectory(pair)
    const size = 50_000_000
    const large = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`
    await using stack = await httpStack(
      (dialogue) => {
        const isLarge = dialogue.received.includes('GET /large')
        if (dialogue.received.endsWith('\r\n\r\n')) dialogue.socket.write(isLarge ? large : OK)
        dialogue.received = ''
      },
      `${tlsText(secret)}, timeouts: {body: 200ms}`,
    )
    using client = tlsConversation(portOf(stack.sidecar), pair)
    await client.toItsStart()
    client.send('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')
    client.socket.pause()
    await eventually('its connection to be taken away', () => stack.sidecar.routes[0]?.limits.taken === 0)
    assert.equal(await isServed(portOf(stack.sidecar)), true)
  })
})

describe('an operations port with TLS and 300 half-open handshakes', () => {
  it('still responds', async () => {
    await using secret = await secretDirectory(pair)
    await using sidecar = await sidecarWith(
      `{ops: {listen: "tcp://127.0.0.1:0", ${tlsText(secret)}}, routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere"}]}`,
    )
    const clients = await halfOpen(opsPortOf(sidecar), 300)
    using probe = tlsConversation(opsPortOf(sidecar), pair)
    await probe.send('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n').hears('healthy')
    for (const client of clients) client[Symbol.dispose]()
  })
})

describe(`${FUZZED} clients that begin with random bytes (seed ${SEED})`, () => {
  it('are all refused, and the sidecar goes on', async () => {
    await using secret = await secretDirectory(pair)
    const time = new HeldClock()
    await using stack = await httpStack(responding(OK), tlsText(secret, 'handshakeTimeout: 100ms'), time)
    time.go()
    const random = new Random(SEED)
    for (let i = 0; i < FUZZED; i++) {
      const bytes = Buffer.from(Array.from({ length: 1 + random.below(600) }, () => random.below(256)))
      if (random.chance(2)) bytes[0] = 22
      if (random.chance(4)) HALF_HELLO.copy(bytes)
      using client = new Conversation(portOf(stack.sidecar)).send(bytes)
      client.socket.end()
      await client.toItsEnd()
    }
    const counted = () => [...failures(stack).values()].reduce((sum, count) => sum + count, 0)
    await eventually('all to be counted', () => counted() === FUZZED)
    time.hold()
    assert.equal(stack.connections.length, 0)
    assert.equal(await isServed(portOf(stack.sidecar)), true)
  })
})
