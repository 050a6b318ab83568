import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { type HttpStack, httpStack, type OnReceived } from '../testing/http-stack.ts'
import { portOf } from '../testing/sidecar-with.ts'

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const LARGE = Buffer.alloc(8 * 1_048_576, 'x')

/** `/large` is 8 MiB, everything else two bytes; a response comes once the request is there. */
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

/** Clients of one address that send this and do nothing more; they come again when they are cut off. */
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

describe('64 clients that', () => {
  for (const [what, request] of Object.entries(ATTACKS))
    it(`${what} do not stop a good client of their address, nor of another`, async () => {
      await using stack = await httpStack(upstream)
      using _slow = new SlowClients(stack, 64, request)
      using _others = new SlowClients(stack, 64, request, '127.0.0.2')
      await eventually(
        'them to be connected',
        () => (stack.sidecar.routes[0]?.counters.connectionsOpen ?? 0) >= 128,
      )
      const good = stack.open()
      for (let i = 0; i < 5; i++) {
        await good.send(GET).hears('\r\n\r\nok')
        good.received = ''
      }
      assert.equal(stack.failures('upstream_timeout'), 0)
    })
})

describe('a client that is slow while nobody waits', () => {
  it('gets all of its response', async () => {
    await using stack = await httpStack(upstream, 'limits: {upstreamConnections: 1}')
    const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1' })
    client.write(GET.replace('/a', '/large'))
    client.pause()
    await eventually('the upstream to wait', () => (stack.connections[0]?.writableLength ?? 0) > 0)
    await readsAllOf(LARGE, client)
  })

  it('keeps no upstream connection when its response fits into the buffer', async () => {
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

  it('is cut off, and seen to be, when it reads nothing of what is kept for it', async () => {
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

describe('requests that wait for an upstream connection', () => {
  it('are served address by address', async () => {
    const order: string[] = []
    const waiting: (() => void)[] = []
    const holding: OnReceived = (dialogue) => {
      if (!dialogue.received.includes('\r\n\r\n')) return
      order.push(/ \/(\S+)/.exec(dialogue.received)?.[1] ?? '')
      dialogue.received = ''
      waiting.push(() => dialogue.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    }
    await using stack = await httpStack(holding, 'limits: {upstreamConnections: 1}')
    const sockets: Socket[] = []
    const ask = async (path: string, localAddress: string) => {
      const before = stack.sidecar.routes[0]?.counters.connectionsTotal ?? 0
      const socket = connect({ port: portOf(stack.sidecar), host: '127.0.0.1', localAddress })
      socket.write(GET.replace('/a', path))
      sockets.push(socket)
      await eventually(
        'it to be accepted',
        () => stack.sidecar.routes[0]?.counters.connectionsTotal === before + 1,
      )
    }
    await ask('/first', '127.0.0.1')
    await eventually('the first to be forwarded', () => waiting.length === 1)
    for (const path of ['/crowd1', '/crowd2', '/crowd3']) await ask(path, '127.0.0.2')
    await ask('/good', '127.0.0.3')
    // A connection that is accepted later shows that the requests before it were read.
    await ask('/crowd4', '127.0.0.2')
    for (let served = 1; served <= 5; served++) {
      waiting[served - 1]?.()
      await eventually('the next to be forwarded', () => waiting.length === served + 1)
    }
    waiting.at(-1)?.()
    for (const socket of sockets) socket.destroy()
    assert.deepEqual(order, ['first', 'crowd1', 'good', 'crowd2', 'crowd3', 'crowd4'])
  })

  it('are refused in the place of the newest of whoever has most, when the queue is full', async () => {
    await using stack = await httpStack(() => undefined, 'limits: {upstreamConnections: 1, queue: 3}')
    stack.open().send(GET)
    await eventually('the first to be forwarded', () => stack.connections.length === 1)
    const crowd = [stack.open(), stack.open(), stack.open()]
    for (const client of crowd) client.send(GET)
    const beyond = stack.open().send(GET)
    await beyond.hears('"overloaded"')
    const good = connect({ port: portOf(stack.sidecar), host: '127.0.0.1', localAddress: '127.0.0.2' })
    good.write(GET)
    await eventually('one of the crowd to be refused', () =>
      crowd.some(({ received }) => received.includes('"overloaded"')),
    )
    assert.equal(stack.failures('overloaded'), 2)
    good.destroy()
  })

  it('find a connection although bodies of other requests are still to come', async () => {
    await using stack = await httpStack(
      upstream,
      'limits: {upstreamConnections: 2}, timeouts: {body: 1h, total: 1h}',
    )
    const slow = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx')
    const other = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx')
    await eventually('one of them to be forwarded', () => stack.connections.length === 1)
    await stack.open().send(GET).hears('\r\n\r\nok')
    assert.equal(slow.received + other.received, '')
  })
})

describe('a client that does not read', () => {
  for (const [what, request, settings] of [
    ['refusals', 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n', 'allow: [GET /a]'],
    ['answers of the sidecar itself', 'OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n', ''],
  ] as const)
    it(`is answered no more until it does: ${what}`, async () => {
      await using stack = await httpStack(upstream, settings)
      const route = stack.sidecar.routes[0]
      // A pair in memory holds some KiB, where the kernel holds MiB.
      const [client, side] = duplexPair()
      route?.port.handler.accept(side as unknown as Socket)
      client.write(request.repeat(REQUESTS))
      const answered = () =>
        [...(route?.counters.answers.values() ?? [])].reduce((sum, byStatus) => sum + total(byStatus), 0)
      await eventually('it to be answered no more', async () => {
        const before = answered()
        for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
        return before > 0 && before === answered()
      })
      assert.ok(answered() < REQUESTS / 2, `${answered()} responses wait in memory`)
      client.resume()
      await eventually('the rest to be answered', () => answered() === REQUESTS)
      client.destroy()
    })
})

const REQUESTS = 2_000

function total(byStatus: ReadonlyMap<number, number>): number {
  return [...byStatus.values()].reduce((sum, count) => sum + count, 0)
}

describe('bodies that are still to come', () => {
  it('do not wait behind whole requests for ever, nor those for bodies', async () => {
    const waiting: (() => void)[] = []
    const order: string[] = []
    const holding: OnReceived = (dialogue) => {
      if (!dialogue.received.includes('\r\n\r\n')) return
      order.push(dialogue.received.slice(0, dialogue.received.indexOf(' ')))
      dialogue.received = ''
      waiting.push(() => dialogue.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    }
    await using stack = await httpStack(holding, 'limits: {upstreamConnections: 1}')
    stack.open().send(GET)
    await eventually('the first to be forwarded', () => waiting.length === 1)
    for (let i = 0; i < 4; i++) (await stack.openAndWait()).send(GET)
    for (let i = 0; i < 2; i++)
      (await stack.openAndWait()).send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx')
    ;(await stack.openAndWait()).send(GET)
    await stack.openAndWait()
    waiting[0]?.()
    await eventually('the next to be forwarded', () => waiting.length === 2)
    waiting[1]?.()
    await eventually('the third to be forwarded', () => waiting.length === 3)
    assert.deepEqual(order.slice(1, 3).sort(), ['GET', 'POST'])
  })
})

/** Resumes `client` and ends it once it has had more than `body`: that, and a head. */
async function readsAllOf(body: Buffer, client: Socket): Promise<void> {
  let received = 0
  client.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  client.resume()
  await eventually('the response to be there', () => received > body.length)
  client.destroy()
}
