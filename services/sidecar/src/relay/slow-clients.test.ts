import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, type HttpStack, httpStack } from '../testing/http-stack.ts'
import type { OnReceived } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

const LARGE = Buffer.alloc(8 * 1_048_576, 'x')

/** Responds once it has the whole request: to `/large` with 8 MiB, to any other path with two bytes. */
const upstream: OnReceived = (dialogue) => {
  const end = dialogue.received.indexOf('\r\n\r\n')
  if (end < 0) return
  const head = dialogue.received.slice(0, end)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
  if (dialogue.received.length < end + 4 + length || /transfer-encoding/i.test(head)) return
  dialogue.received = ''
  const body = head.includes(' /large') ? LARGE : Buffer.from('ok')
  dialogue.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
  dialogue.socket.write(body)
}

/** Clients from one address that send `request` and then do nothing. They reconnect whenever they are disconnected. */
class SlowClients implements Disposable {
  readonly #sockets = new Set<Socket>()
  readonly #open: () => Socket
  #isOver = false

  constructor(stack: HttpStack, count: number, request: string, localAddress = '127.0.0.1') {
    this.#open = () => {
      const socket = connect({ port: portOf(stack.sidecar), host: '127.0.0.1', localAddress })
      socket.on('error', () => socket.destroy()).write(request)
      return socket
    }
    for (let i = 0; i < count; i++) this.#start()
  }

  #start(): void {
    const socket = this.#open().once('close', () => {
      this.#sockets.delete(socket)
      if (!this.#isOver) this.#start()
    })
    this.#sockets.add(socket)
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.destroy()
  }
}

const upload = (head: string, begin: string) => `${head} HTTP/1.1\r\nHost: a\r\n${begin}`
const ATTACKS: Record<string, string> = {
  'send one byte of a GET with a body': upload('GET /a', 'Content-Length: 10\r\n\r\nx'),
  'send one byte of a POST': upload('POST /a', 'Content-Length: 10\r\n\r\nx'),
  'send no byte of a POST': upload('POST /a', 'Content-Length: 10\r\n\r\n'),
  'send a chunk and no more': upload('POST /a', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
  'send 20 KiB and no more': upload('PUT /a', `Content-Length: 90000\r\n\r\n${'x'.repeat(20_480)}`),
  'expect a 100 and wait': upload('POST /a', 'Expect: 100-continue\r\nContent-Length: 10\r\n\r\n'),
  'do not read a response of 8 MiB': GET.replace('/a', '/large'),
}

describe('while 64 clients on each of two addresses', () => {
  for (const [what, request] of Object.entries(ATTACKS))
    it(`${what}, a good client on one of the addresses is served`, async () => {
      await using stack = await httpStack(upstream)
      using _slow = new SlowClients(stack, 64, request)
      using _others = new SlowClients(stack, 64, request, '127.0.0.2')
      await eventually(
        'the slow clients to be connected',
        () => (stack.sidecar.routes[0]?.counters.connectionsTotal ?? 0) >= 128,
      )
      const good = stack.open()
      for (let i = 0; i < 5; i++) {
        await good.send(GET).hears('\r\n\r\nok')
        good.received = ''
      }
      assert.equal(stack.failures('upstream_timeout'), 0)
    })
})

describe('a slow client, while no request waits for a connection', () => {
  it('receives its whole response', async () => {
    await using stack = await httpStack(upstream, 'limits: {upstreamConnections: 1}')
    const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1' })
    client.write(GET.replace('/a', '/large'))
    client.pause()
    await eventually('the upstream to wait', () => (stack.connections[0]?.writableLength ?? 0) > 0)
    await readsAllOf(LARGE, client)
  })

  it('does not occupy an upstream connection when its response fits into the buffer', async () => {
    await using stack = await httpStack(
      upstream,
      'limits: {upstreamConnections: 1, responseBufferBytes: 1GiB}',
    )
    const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1' })
    client.pause().write(GET.replace('/a', '/large'))
    await eventually('the response to begin', () => client.readableLength > 0 || stack.connections.length > 0)
    await stack.open().send(GET).hears('\r\n\r\nok')
    assert.equal(stack.connections.length, 1)
    assert.equal(stack.failures('client_timeout'), 0)
    await readsAllOf(LARGE, client)
  })

  it('is reset, and counted as client_timeout, when it does not read a buffered response at all', async () => {
    await using stack = await httpStack(
      upstream,
      'limits: {responseBufferBytes: 1GiB}, timeouts: {body: 200ms}',
    )
    const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1' })
    const errors: (string | undefined)[] = []
    client.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code))
    client.pause().write(GET.replace('/a', '/large'))
    await eventually('it to be counted', () => stack.failures('client_timeout') === 1)
    client.resume()
    await eventually('the end', () => client.destroyed)
    assert.deepEqual(errors, ['ECONNRESET'])
  })
})

describe('a client that sends requests and does not read', () => {
  for (const [what, request, settings] of [
    ['refusals', 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n', 'allow: [GET /a]'],
    ['responses of the sidecar itself', 'OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n', ''],
  ] as const)
    it(`gets no further ${what} until it reads`, async () => {
      await using stack = await httpStack(upstream, settings)
      const route = stack.sidecar.routes[0]
      // A socket pair in memory buffers some KiB; the kernel would buffer MiB.
      const [client, side] = duplexPair()
      route?.port.handler.accept(side as unknown as Socket)
      client.write(request.repeat(REQUESTS))
      const responses = () =>
        [...(route?.counters.responses.values() ?? [])].reduce((sum, byStatus) => sum + total(byStatus), 0)
      await eventually('the sidecar to stop responding', async () => {
        const before = responses()
        for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
        return before > 0 && before === responses()
      })
      assert.ok(responses() < REQUESTS / 2, `${responses()} responses wait in memory`)
      client.resume()
      await eventually('the other responses', () => responses() === REQUESTS)
      client.destroy()
    })
})

const REQUESTS = 2_000

function total(byStatus: ReadonlyMap<number, number>): number {
  return [...byStatus.values()].reduce((sum, count) => sum + count, 0)
}

/** Resumes `client`, and closes it once it has received more bytes than `body` has: the body and a head. */
async function readsAllOf(body: Buffer, client: Socket): Promise<void> {
  let received = 0
  client.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  client.resume()
  await eventually('the whole response', () => received > body.length)
  client.destroy()
}
