import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { atItsQuickest, eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, type HttpStack, httpStack, OK } from '../testing/http-stack.ts'
import { responding, silent } from '../testing/raw-server.ts'
import { HeldClock, portOf } from '../testing/sidecar-with.ts'

/** Asserts that the client receives this problem, and then a regular end of its connection. */
async function assertRefused(stack: HttpStack, request: string, status: number, code: string): Promise<void> {
  const client = stack.open().send(request)
  const text = await client.toItsEnd()
  assert.match(text, new RegExp(`^HTTP/1.1 ${status} .*Connection: close.*"code":"${code}"`, 's'))
  assert.equal(client.ending, 'end')
}

describe('a client with an invalid request, or one that the route does not allow, gets', () => {
  it('400 bad_request when it does not send HTTP', async () => {
    await using stack = await httpStack(responding(OK))
    for (const text of ['hello\r\n\r\n', '\x16\x03\x01\x02\0\x01', `${GET.replace('Host: a', 'Host : a')}`])
      await assertRefused(stack, text, 400, 'bad_request')
    assert.equal(stack.connections.length, 0)
    assert.equal(stack.failures('bad_request'), 3)
  })

  it('403 path_not_allowed or 405 method_not_allowed, and keeps its connection', async () => {
    await using stack = await httpStack(responding(OK), 'allow: [GET|PUT /a]')
    const client = await stack.open().send('GET /b HTTP/1.1\r\nHost: a\r\n\r\n').hears('"path_not_allowed"')
    await client.send('POST /a HTTP/1.1\r\nHost: a\r\n\r\n').hears('Allow: GET, HEAD, PUT')
    await client.send(GET).hears('200 OK')
    assert.equal(stack.connections.length, 1)
  })

  it('400 bad_request when the path can mean two things', async () => {
    await using stack = await httpStack(responding(OK))
    for (const path of ['/a/../b', '/%2e%2E', '/..', '/a%2Fb', '/a%5cb', '/%00', '/%zz', '/%C0%AE'])
      await stack.open().send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).hears('"bad_request"')
    assert.equal(stack.connections.length, 0)
  })

  it('431 head_too_large when the head is too large, complete or not', async () => {
    await using stack = await httpStack(responding(OK), 'limits: {headBytes: 1KiB}')
    const field = `A: ${'b'.repeat(1_100)}`
    await assertRefused(stack, `GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`, 431, 'head_too_large')
    await assertRefused(stack, `GET / HTTP/1.1\r\nHost: a\r\n${field}`, 431, 'head_too_large')
  })

  it('413 body_too_large for a Content-Length over the limit, and for chunks once they exceed it', async () => {
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
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
  })

  it('413 body_too_large when head and chunks come together, and the upstream gets nothing', async () => {
    await using stack = await httpStack(silent, 'limits: {bodyBytes: 1KiB}')
    const chunk = `100\r\n${'x'.repeat(256)}\r\n`
    const post = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`
    await assertRefused(stack, post, 413, 'body_too_large')
    await stack.open().send(`${post}0\r\n\r\n`).hears('"body_too_large"')
    assert.equal(stack.connections.length, 0)
  })

  it('501 upgrade_refused when it asks for WebSocket or CONNECT', async () => {
    await using stack = await httpStack(responding(OK))
    const upgrade = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    await assertRefused(stack, upgrade, 501, 'upgrade_refused')
    await assertRefused(stack, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 501, 'upgrade_refused')
  })

  it('400 bad_request when a chunk in the middle of the body is invalid', async () => {
    await using stack = await httpStack(silent)
    const client = stack
      .open()
      .send('POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    await eventually('the head to be forwarded', () => stack.connections.length === 1)
    client.send('5\nhello\r\n')
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 400 /)
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
  })
})

describe('a client that is too slow', () => {
  it('gets 408 client_timeout when the head takes too long, although bytes keep coming', async () => {
    await using stack = await httpStack(responding(OK), 'timeouts: {head: 200ms}')
    const client = stack.open()
    const timer = setInterval(() => client.send('a'), 20)
    assert.match(await client.send('GET /').toItsEnd(), /^HTTP\/1.1 408 .*"client_timeout"/s)
    clearInterval(timer)
    assert.equal(client.ending, 'end')
  })

  it('gets 408 client_timeout when it stops in the middle of a body, and the upstream request is cancelled', async () => {
    const time = new HeldClock()
    await using stack = await httpStack(silent, 'timeouts: {body: 100ms}', time)
    const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
    await eventually('the upstream to get it', () => stack.connections.length === 1)
    time.go()
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 408 .*"client_timeout"/s)
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
  })

  it('has its connection closed after timeouts.idle without a request', async () => {
    const time = new HeldClock()
    await using stack = await httpStack(responding(OK), 'timeouts: {idle: 100ms}', time)
    const client = await stack.openAndWait()
    time.go()
    assert.equal(await client.toItsEnd(), '')
    assert.equal(client.ending, 'end')
    time.hold()
    const second = await stack.open().send(GET).hears('ok')
    time.go()
    await second.toItsEnd()
  })

  it('is reset when it does not read its response, and the upstream request is cancelled', async () => {
    const total = 64 * 1_048_576
    await using stack = await httpStack(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      socket.write(Buffer.alloc(total))
    }, 'timeouts: {body: 200ms}')
    const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1' })
    client.on('error', () => client.destroy()).write(GET)
    await eventually('the failure to be counted', () => stack.failures('client_timeout') === 1)
    await eventually('the upstream connection to be closed', () => stack.connections[0]?.destroyed === true)
    client.destroy()
  })
})

describe('a client that leaves', () => {
  it('cancels its upstream request when it disconnects before the response', async () => {
    await using stack = await httpStack(silent)
    const client = stack.open().send(GET)
    await eventually('the request to be forwarded', () => stack.connections.length === 1)
    client.socket.resetAndDestroy()
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
    await eventually('it to be counted', () => stack.responses(499) === 1)
  })

  it('cancels its upstream request when it disconnects in the middle of the response', async () => {
    await using stack = await httpStack(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha'),
    )
    const client = await stack.open().send(GET).hears('ha')
    client.socket.resetAndDestroy()
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
  })

  it('cancels its upstream request when it disconnects in the middle of its body', async () => {
    await using stack = await httpStack(silent)
    const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
    await eventually('the head to be forwarded', () => stack.connections.length === 1)
    client.socket.destroy()
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
  })

  it('counts as gone when it closes its side and no response comes within timeouts.halfClosed', async () => {
    const time = new HeldClock()
    await using stack = await httpStack(silent, 'timeouts: {halfClosed: 100ms}', time)
    const client = stack.open()
    client.socket.end(GET)
    await eventually('the upstream to get it', () => stack.connections.length === 1)
    time.go()
    await eventually('it to be counted', () => stack.responses(499) === 1)
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
  })
})

describe('a client that sends too many requests', () => {
  it('gets Connection: close with the last request of limits.requestsPerConnection', async () => {
    await using stack = await httpStack(responding(OK), 'limits: {requestsPerConnection: 2}')
    const client = await stack.open().send(GET).hears('ok')
    assert.doesNotMatch(client.received, /Connection: close/)
    assert.match(await client.send(GET).toItsEnd(), /Connection: close/)
  })

  it('is read only up to limits.headBytes ahead while it pipelines without an end', async () => {
    await using stack = await httpStack(silent)
    const client = stack.open().send(GET.repeat(1_000_000))
    await eventually('the request to be forwarded', () => stack.connections.length === 1)
    await eventually('the rest to wait in the client', () => client.socket.writableLength > 0)
    assert.equal(stack.connections.length, 1)
    client[Symbol.dispose]()
    stack.connections[0]?.destroy() // only then does the sidecar write, and notice that the client has gone
  })
})

describe('a client over the limit of connections', () => {
  for (const limit of ['connections', 'connectionsPerAddress'])
    it(`gets 503 overloaded: limits.${limit}`, async () => {
      await using stack = await httpStack(responding(OK), `limits: {${limit}: 2}`)
      await stack.open().send(GET).hears('ok')
      await stack.open().send(GET).hears('ok')
      assert.match(await stack.open().send(GET).toItsEnd(), /^HTTP\/1.1 503 .*Retry-After.*"overloaded"/s)
      assert.equal(stack.failures('overloaded'), 1)
    })
})

it('a Prometheus scrape gets 504 a quarter of a second before Prometheus gives up', async () => {
  await using stack = await httpStack(silent)
  const scrape = 'GET /metrics HTTP/1.1\r\nHost: a\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.6\r\n\r\n'
  const { ms } = await atItsQuickest(600, () => stack.open().send(scrape).hears('"upstream_timeout"'))
  assert.ok(ms > 340, `took ${ms} ms`)
})
