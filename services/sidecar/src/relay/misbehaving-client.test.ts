import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { atItsQuickest, eventually } from '@uds-sidecar/shared/testing/waiting'
import { type HttpStack, httpStack, type OnReceived } from '../testing/http-stack.ts'
import { portOf } from '../testing/sidecar-with.ts'

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Answers as soon as the end of a head was received. */
const good: OnReceived = (dialogue) => {
  if (!dialogue.received.includes('\r\n\r\n')) return
  dialogue.received = ''
  dialogue.socket.write(OK)
}

const silent: OnReceived = () => undefined

/** The request is answered with this problem, and the connection is ended in order. */
async function assertRefused(stack: HttpStack, request: string, status: number, code: string): Promise<void> {
  const client = stack.open().send(request)
  const text = await client.toItsEnd()
  assert.match(text, new RegExp(`^HTTP/1.1 ${status} .*Connection: close.*"code":"${code}"`, 's'))
  assert.equal(client.ending, 'end')
}

describe('a request is refused, without a word to the upstream, as', () => {
  it('400 bad_request when it is no HTTP', async () => {
    await using stack = await httpStack(good)
    for (const text of ['hello\r\n\r\n', '\x16\x03\x01\x02\0\x01', `${GET.replace('Host: a', 'Host : a')}`])
      await assertRefused(stack, text, 400, 'bad_request')
    assert.equal(stack.connections.length, 0)
    assert.equal(stack.failures('bad_request'), 3)
  })

  it('403 path_not_allowed and 405 method_not_allowed with Allow, and the connection is kept', async () => {
    await using stack = await httpStack(good, 'allow: [GET|PUT /a]')
    const client = await stack.open().send('GET /b HTTP/1.1\r\nHost: a\r\n\r\n').hears('"path_not_allowed"')
    await client.send('POST /a HTTP/1.1\r\nHost: a\r\n\r\n').hears('Allow: GET, HEAD, PUT')
    await client.send(GET).hears('200 OK')
    assert.equal(stack.connections.length, 1)
  })

  it('400 bad_request when its path is not in its normal form', async () => {
    await using stack = await httpStack(good)
    for (const path of ['/a/../b', '/%61', '/..', '/a%2Fb'])
      await stack.open().send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).hears('"bad_request"')
    assert.equal(stack.connections.length, 0)
  })

  it('431 head_too_large when its head is too large, whole or not', async () => {
    await using stack = await httpStack(good, 'limits: {headBytes: 1KiB}')
    const field = `A: ${'b'.repeat(1_100)}`
    await assertRefused(stack, `GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`, 431, 'head_too_large')
    await assertRefused(stack, `GET / HTTP/1.1\r\nHost: a\r\n${field}`, 431, 'head_too_large')
  })

  it('413 body_too_large when its length is too large, and while chunks go on', async () => {
    await using stack = await httpStack(silent, 'limits: {bodyBytes: 1KiB}')
    await assertRefused(
      stack,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n',
      413,
      'body_too_large',
    )
    const chunk = `100\r\n${'x'.repeat(256)}\r\n`
    const client = stack
      .open()
      .send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`)
    await eventually('the head to be forwarded', () => stack.connections.length === 1)
    client.send(chunk.repeat(4))
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 413 /)
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
  })

  it('413 body_too_large when head and chunks come in one piece', async () => {
    await using stack = await httpStack(silent, 'limits: {bodyBytes: 1KiB}')
    const chunk = `100\r\n${'x'.repeat(256)}\r\n`
    const post = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`
    await assertRefused(stack, post, 413, 'body_too_large')
    await stack.open().send(`${post}0\r\n\r\n`).hears('"body_too_large"')
    assert.equal(stack.connections.length, 0)
  })

  it('501 upgrade_refused when it asks for another protocol', async () => {
    await using stack = await httpStack(good)
    const upgrade = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    await assertRefused(stack, upgrade, 501, 'upgrade_refused')
    await assertRefused(stack, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 501, 'upgrade_refused')
  })

  it('400 bad_request in the middle of a body whose chunks break', async () => {
    await using stack = await httpStack(silent)
    const client = stack
      .open()
      .send('POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    await eventually('the head to be forwarded', () => stack.connections.length === 1)
    client.send('5\nhello\r\n')
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 400 /)
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
  })
})

describe('a client that', () => {
  it('sends its head too slowly is 408 client_timeout, however often it sends a byte', async () => {
    await using stack = await httpStack(good, 'timeouts: {head: 200ms}')
    const client = stack.open()
    const timer = setInterval(() => client.send('a'), 20)
    assert.match(await client.send('GET /').toItsEnd(), /^HTTP\/1.1 408 .*"client_timeout"/s)
    clearInterval(timer)
    assert.equal(client.ending, 'end')
  })

  it('stops in the middle of its body is 408 client_timeout, and the upstream is told', async () => {
    await using stack = await httpStack(silent, 'timeouts: {body: 100ms}')
    const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 408 .*"client_timeout"/s)
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
  })

  it('sends nothing is let go after the idle timeout', async () => {
    await using stack = await httpStack(good, 'timeouts: {idle: 100ms}')
    const client = stack.open()
    assert.equal(await client.toItsEnd(), '')
    assert.equal(client.ending, 'end')
    const second = await stack.open().send(GET).hears('ok')
    await second.toItsEnd()
  })

  it('does not read its response is cut off, and the upstream is told', async () => {
    const total = 64 * 1_048_576
    await using stack = await httpStack(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      socket.write(Buffer.alloc(total))
    }, 'timeouts: {body: 200ms}')
    const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1' })
    client.on('error', () => client.destroy()).write(GET)
    await eventually('the failure to be counted', () => stack.failures('client_timeout') === 1)
    await eventually('the upstream to be told', () => stack.connections[0]?.destroyed === true)
    client.destroy()
  })

  it('leaves while it waits cancels its request at the upstream', async () => {
    await using stack = await httpStack(silent)
    const client = stack.open().send(GET)
    await eventually('the request to be forwarded', () => stack.connections.length === 1)
    client.socket.resetAndDestroy()
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
    await eventually('it to be counted', () => stack.answers(499) === 1)
  })

  it('leaves in the middle of its response cancels it at the upstream', async () => {
    await using stack = await httpStack(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha'),
    )
    const client = await stack.open().send(GET).hears('ha')
    client.socket.resetAndDestroy()
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
  })

  it('leaves in the middle of its body cancels it at the upstream', async () => {
    await using stack = await httpStack(silent)
    const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
    await eventually('the head to be forwarded', () => stack.connections.length === 1)
    client.socket.destroy()
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
  })

  it('has ended its side and gets no response is taken for gone after a while', async () => {
    await using stack = await httpStack(silent, 'timeouts: {halfClosed: 100ms}')
    const client = stack.open()
    client.socket.end(GET)
    await eventually('it to be counted', () => stack.answers(499) === 1)
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
  })

  it('sends more than its share of requests gets a last response', async () => {
    await using stack = await httpStack(good, 'limits: {requestsPerConnection: 2}')
    const client = await stack.open().send(GET).hears('ok')
    assert.doesNotMatch(client.received, /Connection: close/)
    assert.match(await client.send(GET).toItsEnd(), /Connection: close/)
  })

  it('sends requests ahead without end is read only as far as a head may be long', async () => {
    await using stack = await httpStack(silent)
    const client = stack.open().send(GET.repeat(1_000_000))
    await eventually('the request to be forwarded', () => stack.connections.length === 1)
    await eventually('the rest to wait in the client', () => client.socket.writableLength > 0)
    assert.equal(stack.connections.length, 1)
    client[Symbol.dispose]()
    stack.connections[0]?.destroy() // what it is answered then shows that it has gone
  })
})

describe('more at a time than there is room for', () => {
  it('connections are 503 overloaded, in total and per address', async () => {
    for (const limit of ['connections', 'connectionsPerAddress']) {
      await using stack = await httpStack(good, `limits: {${limit}: 2}`)
      await stack.open().send(GET).hears('ok')
      await stack.open().send(GET).hears('ok')
      assert.match(await stack.open().send(GET).toItsEnd(), /^HTTP\/1.1 503 .*Retry-After.*"overloaded"/s)
      assert.equal(stack.failures('overloaded'), 1)
    }
  })

  it('requests wait in order for an upstream connection, and beyond the queue are 503 overloaded', async () => {
    const waiting: (() => void)[] = []
    await using stack = await httpStack(({ socket }) => {
      waiting.push(() => socket.write(OK))
    }, 'limits: {upstreamConnections: 1, queue: 1}')
    const [first, second, third] = [stack.open(), stack.open(), stack.open()]
    first.send(GET)
    await eventually('the first to be forwarded', () => waiting.length === 1)
    second.send(GET)
    third.send(GET)
    await eventually('one of them to be refused', () => stack.failures('overloaded') === 1)
    waiting[0]?.()
    await eventually('the one that waited to be forwarded', () => waiting.length === 2)
    waiting[1]?.()
    await first.hears('ok')
    await eventually(
      'the other to be answered',
      () => second.received.includes('ok') || third.received.includes('ok'),
    )
    assert.equal(stack.connections.length, 1)
  })

  it('a request that waits too long for an upstream connection is 503 overloaded', async () => {
    await using stack = await httpStack(silent, 'limits: {upstreamConnections: 1}')
    stack.open().send(GET)
    await eventually('the first to be forwarded', () => stack.connections.length === 1)
    const hurried = GET.replace('Host', 'X-Prometheus-Scrape-Timeout-Seconds: 0.3\r\nHost')
    await stack.open().send(hurried).hears('"overloaded"')
  })
})

it('a scrape is given up a quarter of a second before the scraper gives up', async () => {
  await using stack = await httpStack(silent)
  const scrape = 'GET /metrics HTTP/1.1\r\nHost: a\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.6\r\n\r\n'
  const { ms } = await atItsQuickest(600, () => stack.open().send(scrape).hears('"upstream_timeout"'))
  assert.ok(ms > 340, `took ${ms} ms`)
})
