import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { aTurn } from '../testing/a-turn.ts'
import { type HttpStack, httpStack, type OnReceived } from '../testing/http-stack.ts'
import { portOf } from '../testing/sidecar-with.ts'

const END = '\r\n\r\n'
const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'

/** Responds to each request with its head. */
const mirror: OnReceived = (dialogue) => {
  const end = dialogue.received.indexOf(END)
  if (end < 0) return
  const head = dialogue.received.slice(0, end)
  dialogue.received = ''
  dialogue.socket.write(
    `HTTP/1.1 200 OK\r\nContent-Length: ${head.length + 4}\r\n\r\n${head}${END}`,
    'latin1',
  )
}

/** The head that the upstream receives of a request. */
async function forwarded(stack: HttpStack, request: string): Promise<string> {
  const client = await stack.open().send(request).hears('X-Request-Id: ')
  assert.match(client.received, /^HTTP\/1.1 200 /)
  return client.received.slice(client.received.indexOf(END) + 4)
}

async function assertRefused(stack: HttpStack, request: string, status: number, code: string): Promise<void> {
  const client = await stack.open().send(request).hears('"hint"')
  assert.match(client.received, new RegExp(`^HTTP/1.1 ${status} .*"code":"${code}"`, 's'), request)
}

describe('an Upgrade that is optional', () => {
  for (const lines of [
    'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n',
    'Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n',
    'Upgrade: TLS/1.2, HTTP/2.0\r\nConnection: upgrade, keep-alive\r\n',
    'Upgrade: h2c\r\n',
    'Upgrade:\r\nConnection: upgrade\r\n',
    'Upgrade: not-websocket\r\nConnection: upgrade\r\n',
  ])
    it(`is ignored: ${JSON.stringify(lines)}`, async () => {
      await using stack = await httpStack(mirror)
      const head = await forwarded(stack, `GET /a HTTP/1.1\r\nHost: a\r\n${lines}\r\n`)
      assert.doesNotMatch(head, /upgrade|http2/i)
    })

  it('is ignored of an HTTP/1.0 client, whatever it names', async () => {
    await using stack = await httpStack(mirror)
    await forwarded(stack, 'GET /a HTTP/1.0\r\nUpgrade: websocket\r\n\r\n')
  })

  it('is 501 upgrade_refused when it names websocket', async () => {
    await using stack = await httpStack(mirror)
    for (const value of ['websocket', 'WebSocket', 'h2c, websocket', 'websocket/13'])
      await assertRefused(
        stack,
        `GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${value}\r\n\r\n`,
        501,
        'upgrade_refused',
      )
  })
})

/** Sends on and on for so long, which is longer than a client that sends nothing is waited for. */
async function sendFor(client: Socket, ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end)
    await new Promise<void>((resolve) => client.write(Buffer.alloc(10_000), () => resolve()))
}

describe('a refusal during an upload', () => {
  const refusals: Record<string, [settings: string, status: number]> = {
    '413': ['limits: {bodyBytes: 1KiB}', 413],
    '403': ['allow: [GET /b]', 403],
    '405': ['allow: [GET /a]', 405],
  }
  for (const [what, [settings, status]] of Object.entries(refusals))
    it(`${what} reaches a client that goes on sending and reads only then`, async () => {
      await using stack = await httpStack(mirror, settings)
      const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1', allowHalfOpen: true })
      const errors: Error[] = []
      client.on('error', (error) => errors.push(error))
      client.pause()
      client.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n')
      await eventually('it to be refused', () => stack.answers(status) === 1)
      await sendFor(client, 2_500)
      let text = ''
      client.setEncoding('latin1').on('data', (piece) => {
        text += piece
      })
      client.resume().end()
      await eventually('the response to be read', () => client.readableEnded)
      assert.match(text, new RegExp(`^HTTP/1.1 ${status} `))
      assert.deepEqual(errors, [])
    })

  it('does not hold the connection of a client that sends nothing more', async () => {
    await using stack = await httpStack(mirror, 'limits: {bodyBytes: 1KiB}')
    const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n')
    await client.toItsEnd()
    await eventually(
      'the connection to be closed',
      () => stack.sidecar.routes[0]?.counters.connectionsOpen === 0,
    )
  })
})

describe('a request line', () => {
  it('that is alone over headBytes is 414 uri_too_long; more fields are 431 head_too_large', async () => {
    await using stack = await httpStack(mirror, 'limits: {headBytes: 1KiB, fields: 8}')
    const long = `/${'a'.repeat(1_100)}`
    await assertRefused(stack, `GET ${long} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, 'uri_too_long')
    await assertRefused(stack, `GET ${long}`, 414, 'uri_too_long')
    await assertRefused(
      stack,
      `GET /a HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(9)}\r\n`,
      431,
      'head_too_large',
    )
    await assertRefused(
      stack,
      `GET /a HTTP/1.1\r\nHost: a\r\nA: ${'b'.repeat(1_100)}\r\n\r\n`,
      431,
      'head_too_large',
    )
  })

  it('with a URL that has no path stands for /, with OPTIONS for the server', async () => {
    await using stack = await httpStack(mirror)
    const host = 'HTTP/1.1\r\nHost: h\r\n\r\n'
    assert.match(await forwarded(stack, `GET http://h ${host}`), /^GET \/ HTTP\/1.1\r\n/)
    assert.match(await forwarded(stack, `GET http://h?a=b ${host}`), /^GET \/\?a=b HTTP\/1.1\r\n/)
    assert.match(await forwarded(stack, `OPTIONS http://h ${host}`), /^OPTIONS \* HTTP\/1.1\r\n/)
    assert.match(await forwarded(stack, `OPTIONS http://h?a ${host}`), /^OPTIONS \/\?a HTTP\/1.1\r\n/)
  })

  it('with a URL that has no path is held against the allow list as / is', async () => {
    await using stack = await httpStack(mirror, 'allow: [GET /a]')
    await assertRefused(stack, 'GET http://a HTTP/1.1\r\nHost: a\r\n\r\n', 403, 'path_not_allowed')
    await using other = await httpStack(mirror, 'allow: [GET /]')
    await forwarded(other, 'GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n')
  })
})

describe('Host', () => {
  for (const host of [
    '[',
    ']',
    '[]',
    '[::1',
    '[::1]x',
    '[::g]',
    '[fe80::1%25eth0]',
    '[1.2.3.4]',
    'a:99999',
    'a:65536',
  ])
    it(`is refused with 400: ${host}`, async () => {
      await using stack = await httpStack(mirror)
      await assertRefused(stack, GET.replace('Host: a', `Host: ${host}`), 400, 'bad_request')
      await assertRefused(stack, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 400, 'bad_request')
    })
  for (const host of ['%zz', '%', 'a%2', 'a:b', 'a:1:2', ':80', 'a b', 'u@a', 'a/b', '::1'])
    it(`is refused with 400: ${host}`, async () => {
      await using stack = await httpStack(mirror)
      await assertRefused(stack, GET.replace('Host: a', `Host: ${host}`), 400, 'bad_request')
    })
  for (const host of [
    'a',
    'A.example:80',
    'a:',
    'a:65535',
    '1.2.3.4:80',
    '[::1]',
    '[::1]:80',
    '[::ffff:1.2.3.4]:1',
    '',
  ])
    it(`is taken: ${JSON.stringify(host)}`, async () => {
      await using stack = await httpStack(mirror)
      assert.match(await forwarded(stack, GET.replace('Host: a', `Host: ${host}`)), /\r\nHost: /)
    })
})

describe('a stray empty line after a body', () => {
  const POST = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab'

  it('does not start a 408, whole or in halves', async () => {
    for (const pieces of [['\r\n'], ['\r', '\n'], ['\r\n\r\n'], ['\r']]) {
      await using stack = await httpStack(mirror, 'timeouts: {head: 100ms, idle: 500ms}')
      const client = await stack.openAndWait()
      client.socket.setNoDelay(true)
      await client.send(POST).hears('X-Request-Id')
      for (const piece of pieces) {
        client.send(piece)
        await aTurn()
      }
      assert.doesNotMatch(await client.toItsEnd(), /408/, JSON.stringify(pieces))
      assert.equal(client.ending, 'end')
      assert.equal(stack.failures('client_timeout'), 0)
    }
  })

  it('does not part a request from the next', async () => {
    await using stack = await httpStack(mirror)
    const client = stack.open().send(`${POST}\r\n\r\n${GET.replace('/a', '/next')}`)
    await client.hears('GET /next HTTP/1.1')
  })
})

describe('a scraper that allows too little time', () => {
  it('does not make its end the fault of the upstream', async () => {
    await using stack = await httpStack(() => undefined)
    for (const seconds of ['0.001', '0.0001', '0.4'])
      await assertRefused(
        stack,
        GET.replace('Host', `X-Prometheus-Scrape-Timeout-Seconds: ${seconds}\r\nHost`),
        408,
        'client_timeout',
      )
    assert.equal(stack.failures('upstream_timeout'), 0)
    assert.equal(stack.sidecar.routes[0]?.upstream.isTroubled, false)
  })
})

describe('Max-Forwards', () => {
  it('of 0 ends an OPTIONS here, with what the route allows', async () => {
    await using stack = await httpStack(mirror, 'allow: [GET|POST /a, "OPTIONS *", OPTIONS /a]')
    const last = (target: string) => `OPTIONS ${target} HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n`
    const client = await stack.open().send(last('*')).hears(END)
    assert.match(client.received, /^HTTP\/1.1 200 OK\r\nAllow: OPTIONS\r\nContent-Length: 0\r\nDate: /)
    await client.send(last('/a')).hears('Allow: GET, HEAD, OPTIONS, POST')
    await client.send(GET).hears('GET /a')
    assert.equal(stack.connections.length, 1)
  })

  it('of more is one less behind the relay; other methods carry it unread', async () => {
    await using stack = await httpStack(mirror)
    const request = (method: string, value: string) =>
      `${method} /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${value}\r\n\r\n`
    assert.match(await forwarded(stack, request('OPTIONS', '7')), /\r\nMax-Forwards: 6\r\n/)
    assert.equal(
      (await forwarded(stack, request('OPTIONS', '1'))).match(/Max-Forwards: \d/g)?.join(),
      'Max-Forwards: 0',
    )
    assert.match(await forwarded(stack, request('GET', '0')), /\r\nMax-Forwards: 0\r\n/)
    for (const value of ['x', '-1', '', '1.0'])
      await assertRefused(stack, request('OPTIONS', value), 400, 'bad_request')
  })
})

it('TRACE with Max-Forwards: 0 is not reflected: 405', async () => {
  await using stack = await httpStack(mirror, 'allow: [GET|TRACE /a]')
  const trace = 'TRACE /a HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nMax-Forwards: 0\r\n\r\n'
  const client = await stack.open().send(trace).hears('"method_not_allowed"')
  assert.match(client.received, /^HTTP\/1.1 405 .*\r\nAllow: GET, HEAD\r\n/s)
  assert.doesNotMatch(client.received, /secret/)
  await forwarded(stack, trace.replace('0', '1'))
})
