import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { type OnReceived, silent } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

/** An upstream that responds to a request only when the test says so. */
function holding() {
  /** `METHOD path` of each request, in the order of arrival. */
  const order: string[] = []
  /** One function per request, which sends its response. */
  const respond: (() => void)[] = []
  const behaviour: OnReceived = (dialogue) => {
    if (!dialogue.received.includes('\r\n\r\n')) return
    order.push(dialogue.received.slice(0, dialogue.received.indexOf(' HTTP/')))
    dialogue.received = ''
    respond.push(() => dialogue.socket.write(OK))
  }
  return { order, respond, behaviour }
}

describe('requests that wait for the only upstream connection', () => {
  it('are served in turns, address by address', async () => {
    const { order, respond, behaviour } = holding()
    await using stack = await httpStack(behaviour, 'limits: {upstreamConnections: 1}')
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
    await eventually('the first to be forwarded', () => respond.length === 1)
    for (const path of ['/crowd1', '/crowd2', '/crowd3']) await ask(path, '127.0.0.2')
    await ask('/good', '127.0.0.3')
    // Once this connection is accepted, the sidecar has read the requests before it.
    await ask('/crowd4', '127.0.0.2')
    for (let served = 1; served <= 5; served++) {
      respond[served - 1]?.()
      await eventually('the next to be forwarded', () => respond.length === served + 1)
    }
    respond.at(-1)?.()
    for (const socket of sockets) socket.destroy()
    const paths = ['/first', '/crowd1', '/good', '/crowd2', '/crowd3', '/crowd4']
    assert.deepEqual(
      order,
      paths.map((path) => `GET ${path}`),
    )
  })

  it('are served in turns, complete ones and ones whose body is still incomplete', async () => {
    const { order, respond, behaviour } = holding()
    await using stack = await httpStack(behaviour, 'limits: {upstreamConnections: 1}')
    stack.open().send(GET)
    await eventually('the first to be forwarded', () => respond.length === 1)
    for (let i = 0; i < 4; i++) (await stack.openAndWait()).send(GET)
    for (let i = 0; i < 2; i++)
      (await stack.openAndWait()).send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx')
    ;(await stack.openAndWait()).send(GET)
    await stack.openAndWait()
    respond[0]?.()
    await eventually('the next to be forwarded', () => respond.length === 2)
    respond[1]?.()
    await eventually('the third to be forwarded', () => respond.length === 3)
    assert.deepEqual(order.slice(1, 3).sort(), ['GET /a', 'POST /a'])
  })

  it('are 503 overloaded when they do not fit into the queue', async () => {
    const { respond, behaviour } = holding()
    await using stack = await httpStack(behaviour, 'limits: {upstreamConnections: 1, queue: 1}')
    const [first, second, third] = [stack.open(), stack.open(), stack.open()]
    first.send(GET)
    await eventually('the first to be forwarded', () => respond.length === 1)
    second.send(GET)
    third.send(GET)
    await eventually('one of them to be refused', () => stack.failures('overloaded') === 1)
    respond[0]?.()
    await eventually('the one that waited to be forwarded', () => respond.length === 2)
    respond[1]?.()
    await first.hears('ok')
    await eventually('its response', () => second.received.includes('ok') || third.received.includes('ok'))
    assert.equal(stack.connections.length, 1)
  })

  it('are 503 overloaded when they wait too long', async () => {
    await using stack = await httpStack(silent, 'limits: {upstreamConnections: 1}')
    stack.open().send(GET)
    await eventually('the first to be forwarded', () => stack.connections.length === 1)
    const hurried = GET.replace('Host', 'X-Prometheus-Scrape-Timeout-Seconds: 0.3\r\nHost')
    await stack.open().send(hurried).hears('"overloaded"')
  })

  it('are refused, the newest of the busiest address first, when the queue is full', async () => {
    await using stack = await httpStack(silent, 'limits: {upstreamConnections: 1, queue: 3}')
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
})

describe('requests with an incomplete body', () => {
  it('do not occupy all upstream connections', async () => {
    const respondToGet: OnReceived = ({ socket, received }) => {
      if (received.startsWith('GET ') && received.endsWith('\r\n\r\n')) socket.write(OK)
    }
    await using stack = await httpStack(
      respondToGet,
      'limits: {upstreamConnections: 2}, timeouts: {body: 1h, total: 1h}',
    )
    const post = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx'
    const clients = [stack.open().send(post), stack.open().send(post)]
    await eventually('one of them to be forwarded', () => stack.connections.length === 1)
    await stack.open().send(GET).hears('\r\n\r\nok')
    assert.deepEqual(
      clients.map(({ received }) => received),
      ['', ''],
    )
  })
})
