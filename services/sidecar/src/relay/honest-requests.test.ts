import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GET, type HttpStack, httpStack } from '../testing/http-stack.ts'
import { mirror } from '../testing/raw-server.ts'

const END = '\r\n\r\n'

/** The request head that the upstream receives. */
async function forwarded(stack: HttpStack, request: string): Promise<string> {
  const client = await stack.open().send(request).hears('X-Request-Id: ')
  assert.match(client.received, /^HTTP\/1.1 200 /)
  return client.received.slice(client.received.indexOf(END) + 4)
}

async function assertRefused(stack: HttpStack, request: string, status: number, code: string): Promise<void> {
  const client = await stack.open().send(request).hears('"hint"')
  assert.match(client.received, new RegExp(`^HTTP/1.1 ${status} .*"code":"${code}"`, 's'), request)
}

describe('an Upgrade field', () => {
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

  it('is ignored in an HTTP/1.0 request', async () => {
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

describe('a request line', () => {
  it('longer than limits.headBytes is 414 uri_too_long; longer fields are 431 head_too_large', async () => {
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

  it('with a URL without a path is forwarded as /, or as * for OPTIONS', async () => {
    await using stack = await httpStack(mirror)
    const host = 'HTTP/1.1\r\nHost: h\r\n\r\n'
    assert.match(await forwarded(stack, `GET http://h ${host}`), /^GET \/ HTTP\/1.1\r\n/)
    assert.match(await forwarded(stack, `GET http://h?a=b ${host}`), /^GET \/\?a=b HTTP\/1.1\r\n/)
    assert.match(await forwarded(stack, `OPTIONS http://h ${host}`), /^OPTIONS \* HTTP\/1.1\r\n/)
    assert.match(await forwarded(stack, `OPTIONS http://h?a ${host}`), /^OPTIONS \/\?a HTTP\/1.1\r\n/)
  })

  it('with a URL without a path must be allowed as /', async () => {
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
    it(`is accepted: ${JSON.stringify(host)}`, async () => {
      await using stack = await httpStack(mirror)
      assert.match(await forwarded(stack, GET.replace('Host: a', `Host: ${host}`)), /\r\nHost: /)
    })
})

describe('Max-Forwards', () => {
  it('0 makes the sidecar respond to OPTIONS itself, with the methods that the route allows', async () => {
    await using stack = await httpStack(mirror, 'allow: [GET|POST /a, "OPTIONS *", OPTIONS /a]')
    const last = (target: string) => `OPTIONS ${target} HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n`
    const client = await stack.open().send(last('*')).hears(END)
    assert.match(client.received, /^HTTP\/1.1 200 OK\r\nAllow: OPTIONS\r\nContent-Length: 0\r\nDate: /)
    await client.send(last('/a')).hears('Allow: GET, HEAD, OPTIONS, POST')
    await client.send(GET).hears('GET /a')
    assert.equal(stack.connections.length, 1)
  })

  it('is decremented for OPTIONS, and forwarded unchanged for other methods', async () => {
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

it('TRACE with Max-Forwards: 0 is refused with 405, and no field is reflected', async () => {
  await using stack = await httpStack(mirror, 'allow: [GET|TRACE /a]')
  const trace = 'TRACE /a HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nMax-Forwards: 0\r\n\r\n'
  const client = await stack.open().send(trace).hears('"method_not_allowed"')
  assert.match(client.received, /^HTTP\/1.1 405 .*\r\nAllow: GET, HEAD\r\n/s)
  assert.doesNotMatch(client.received, /secret/)
  await forwarded(stack, trace.replace('0', '1'))
})
