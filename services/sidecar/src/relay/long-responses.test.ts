import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { BEARER, clientStack } from '../testing/clients.ts'
import { GET, type HttpStack, httpStack } from '../testing/http-stack.ts'
import type { OnReceived } from '../testing/raw-server.ts'
import { configFrom, HeldClock } from '../testing/sidecar-with.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const EVENTS = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n'
const ALLOW = 'allow: [GET /events long, GET /a]'

function chunk(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`
}

/** Sends the head of a response without an end, and one event. */
const events: OnReceived = (dialogue) => {
  if (!dialogue.received.includes('\r\n\r\n')) return
  dialogue.received = ''
  dialogue.socket.write(HEAD + chunk('data: 1\n\n'))
}

/** The upstream connection of the newest request. */
function upstreamOf({ connections }: HttpStack) {
  const socket = connections.at(-1)
  assert.ok(socket)
  return socket
}

function tunnels(stack: Pick<HttpStack, 'sidecar'>): number | undefined {
  return stack.sidecar.routes[0]?.counters.tunnelsOpen.long
}

describe('a response of a rule with long', () => {
  it('outlives timeouts.body, timeouts.total and limits.responseBytes; that of another rule does not', async () => {
    const bounds = 'timeouts: {body: 50ms, total: 100ms}, limits: {responseBytes: 30}'
    await using stack = await httpStack(events, `${ALLOW}, ${bounds}`)
    const other = stack.open().send(GET)
    const client = stack.open().send(EVENTS)
    await other.toItsEnd()
    assert.equal(stack.failures('upstream_timeout'), 1)
    await client.hears('data: 1')
    // The deadline of the other one has passed, and so has that of this one if it had any.
    await stack.open().send(GET).toItsEnd()
    for (let i = 2; i < 9; i++) {
      for (const socket of stack.connections) if (socket.writable) socket.write(chunk(`data: ${i}\n\n`))
      await client.hears(`data: ${i}`)
    }
    assert.equal(client.ending, null)
  })

  it('ends with a reset after timeouts.tunnelIdle without a byte, which is not the fault of the upstream', async () => {
    const time = new HeldClock()
    await using stack = await httpStack(events, `${ALLOW}, timeouts: {tunnelIdle: 100ms}`, time)
    const client = stack.open().send(EVENTS)
    await client.hears('data: 1')
    time.go()
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(stack.failures('client_timeout'), 1)
    assert.equal(stack.failures('upstream_timeout'), 0)
  })

  it('is counted in limits.tunnels and not in limits.upstreamConnections', async () => {
    const bounds = 'limits: {tunnels: 2, upstreamConnections: 1, queue: 0}'
    await using stack = await httpStack((dialogue) => {
      if (dialogue.received.startsWith('GET /events')) events(dialogue)
      else dialogue.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      dialogue.received = ''
    }, `${ALLOW}, ${bounds}`)
    const first = stack.open().send(EVENTS)
    await first.hears('data: 1')
    await stack.open().send(EVENTS).hears('data: 1')
    assert.equal(tunnels(stack), 2)
    await stack.open().send(GET).hears('ok')
    await stack.open().send(EVENTS).hears('"overloaded"')
    first[Symbol.dispose]()
    await eventually('a place to be free', () => tunnels(stack) === 1)
    await stack.open().send(EVENTS).hears('data: 1')
    await stack.open().send(GET).hears('ok')
  })

  for (const [how, leave] of [
    ['resets', 'resetAndDestroy'],
    ['closes', 'destroy'],
  ] as const)
    it(`releases its upstream when the client ${how} the connection`, async () => {
      await using stack = await httpStack(events, ALLOW)
      const client = stack.open().send(EVENTS)
      await client.hears('data: 1')
      client.socket[leave]()
      await eventually(
        'the upstream to be released',
        () => upstreamOf(stack).destroyed || upstreamOf(stack).readableEnded,
      )
      assert.equal(tunnels(stack), 0)
    })

  it('goes on for a client that has only ended its side, while bytes come', async () => {
    await using stack = await httpStack(events, `${ALLOW}, timeouts: {halfClosed: 5s}`)
    const client = stack.open().send(EVENTS)
    await client.hears('data: 1')
    client.socket.end()
    await eventually('the end to be seen', () => stack.sidecar.routes[0]?.counters.connectionsOpen === 1)
    upstreamOf(stack).write(`${chunk('data: 2\n\n')}0\r\n\r\n`)
    assert.match(await client.toItsEnd(), /data: 2\n\n\r\n0\r\n\r\n$/)
    assert.equal(client.ending, 'end')
  })

  it('passes each byte on at once, and uses its upstream connection for nothing else', async () => {
    await using stack = await httpStack(events, ALLOW)
    const client = stack.open().send(EVENTS)
    await client.hears('data: 1')
    upstreamOf(stack).write('1\r\na')
    await client.hears('1\r\na')
    upstreamOf(stack).write('\r\n0\r\n\r\n')
    await client.hears('\r\n0\r\n\r\n')
    client.received = ''
    await client.send(GET).hears('data: 1')
    assert.equal(stack.connections.length, 2)
  })

  it('is only for the clients of its rule', async () => {
    const rules = 'allow: [GET /a long for operator, GET /a for prometheus]'
    await using stack = await clientStack(`${rules}, timeouts: {body: 50ms}`, { behaviour: events })
    const client = stack.open().send(`GET /a HTTP/1.1\r\nHost: a\r\n${BEARER}\r\n`)
    await client.toItsEnd()
    assert.equal(stack.sidecar.routes[0]?.counters.failures.get('upstream_timeout'), 1)
  })
})

describe('when the sidecar drains, a response of a rule with long', () => {
  it('ends once nothing has come for a second, long before the time to drain is over', async () => {
    await using stack = await clientStack('allow: [GET /events long]', { behaviour: events })
    const client = stack.open().send(EVENTS)
    await client.hears('data: 1')
    await stack.sidecar.apply(
      configFrom(
        stack
          .text('allow: [GET /events long]', '')
          .replace('name: web', 'name: other')
          .replace('drain: 500ms', 'drain: 10m'),
      ),
    )
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
  })

  it('is cut when the time is over although bytes come, and is counted as draining', async () => {
    await using stack = await httpStack(events, ALLOW)
    const client = stack.open().send(EVENTS)
    await client.hears('data: 1')
    const timer = setInterval(() => upstreamOf(stack).write(chunk('data: n\n\n')), 50)
    await stack.sidecar[Symbol.asyncDispose]()
    clearInterval(timer)
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(stack.failures('draining'), 1)
  })
})

describe('after a reload, a response of a rule with long', () => {
  const REQUEST = `GET /a HTTP/1.1\r\nHost: a\r\n${BEARER}\r\n`

  it('goes on when the new rules allow it', async () => {
    await using stack = await clientStack('allow: [GET /a long for prometheus]', { behaviour: events })
    const client = stack.open().send(REQUEST)
    await client.hears('data: 1')
    await stack.apply('allow: [GET /a long for operator prometheus]')
    for (const socket of stack.server.sockets) if (socket.writable) socket.write(chunk('data: 2'))
    await client.hears('data: 2')
  })

  for (const [what, rules] of [
    ['is not allowed any more', 'allow: [GET /b long for prometheus]'],
    ['may not be long any more', 'allow: [GET /a for prometheus]'],
    ['is for another client now', 'allow: [GET /a long for operator]'],
  ] as const)
    it(`is cut when it ${what}`, async () => {
      await using stack = await clientStack('allow: [GET /a long for prometheus]', { behaviour: events })
      const client = stack.open().send(REQUEST)
      await client.hears('data: 1')
      await stack.apply(rules)
      await client.toItsEnd()
      assert.equal(client.ending, 'ECONNRESET')
      assert.equal(stack.sidecar.routes[0]?.counters.failures.get('draining'), 0)
    })
})
