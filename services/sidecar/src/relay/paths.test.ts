import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HttpStack, httpStack, OK } from '../testing/http-stack.ts'
import { mirror } from '../testing/raw-server.ts'

const END = '\r\n\r\n'

/** The request line that the upstream receives. */
async function forwardedLine(stack: HttpStack, line: string, host = 'a'): Promise<string> {
  const client = await stack.open().send(`${line} HTTP/1.1\r\nHost: ${host}${END}`).hears('X-Request-Id: ')
  assert.match(client.received, /^HTTP\/1.1 200 /, line)
  return client.received.slice(client.received.indexOf(END) + END.length).split(' HTTP/')[0] ?? ''
}

async function assertRefused(
  stack: HttpStack,
  target: string,
  status: number,
  detail: RegExp,
  method = 'GET',
): Promise<void> {
  const { received } = await stack
    .open()
    .send(`${method} ${target} HTTP/1.1\r\nHost: a${END}`)
    .hears('"hint"')
  assert.match(received, new RegExp(`^HTTP/1.1 ${status} `), target)
  assert.match(JSON.parse(received.split(END)[1] ?? '').detail, detail, target)
}

describe('a path that was not sent in normal form', () => {
  it('is forwarded in it, and the query as it came', async () => {
    await using stack = await httpStack(mirror)
    for (const [sent, expected] of [
      ['/%61%7e/b?%61=%7e', '/a~/b?%61=%7e'],
      ['/caf%c3%a9?', '/caf%C3%A9?'],
      ['/a[0]|b^c?x[0]|^', '/a%5B0%5D%7Cb%5Ec?x[0]|^'],
      ['/a%2Eb', '/a.b'],
      ['/%2561', '/%2561'],
      ['/a//b', '/a//b'],
      ['//a', '//a'],
    ])
      assert.equal(await forwardedLine(stack, `GET ${sent}`), `GET ${expected}`)
  })

  it('is forwarded in it from the absolute form', async () => {
    await using stack = await httpStack(mirror, 'allow: [GET /ab]')
    assert.equal(await forwardedLine(stack, 'GET http://h/%61b?%61', 'h'), 'GET /ab?%61')
  })

  it('is matched in it', async () => {
    await using stack = await httpStack(mirror, 'allow: [GET /metrics, "GET /%7Euser/[x]"]')
    assert.equal(await forwardedLine(stack, 'GET /%6Detrics'), 'GET /metrics')
    assert.equal(await forwardedLine(stack, 'GET /~user/%5bx]'), 'GET /~user/%5Bx%5D')
    await assertRefused(stack, '/%6Detric', 403, /^\/metric is not on the allow list$/)
  })

  it('has room to grow, and keeps its body', async () => {
    await using stack = await httpStack((dialogue) => {
      if (dialogue.received.endsWith('hello'))
        dialogue.socket.write(OK.replace('ok', `${dialogue.received.match(/%5B/g)?.length}`.slice(0, 2)))
    }, 'limits: {headBytes: 64KiB}')
    const path = `/${'['.repeat(30_000)}`
    const request = `PUT ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5${END}`
    const client = await stack.openAndWait()
    await client.send(request).send('hello').hears(`${END}30`)
  })

  it('is forwarded in it when the body came later and the request was kept', async () => {
    await using stack = await httpStack((dialogue) => {
      if (dialogue.received.endsWith('0\r\n\r\n'))
        dialogue.socket.write(
          `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Line: ${dialogue.received.split('\r\n')[0]}${END}`,
        )
    })
    const client = await stack.openAndWait()
    client.send(`PUT /%61[ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked${END}5\r\nhel`)
    await client.send('lo\r\n0\r\n\r\n').hears(`X-Line: PUT /a%5B HTTP/1.1`)
  })
})

describe('a path that can mean two things is 400, and the detail says why', () => {
  for (const [target, detail] of [
    ['/a/%2E./b', /dot segment/],
    ['/..;/a', /dot segment/],
    ['/a%2F..', /dot segment/],
    ['/a%5c..', /backslash/],
    ['/a%00', /control character/],
    ['/%c0%ae%c0%ae/', /longer than UTF-8/],
    ['/%', /two hexadecimal digits/],
    ['http://a/%2e', /dot segment/],
  ] as const)
    it(target, async () => {
      await using stack = await httpStack(mirror)
      await assertRefused(stack, target, 400, detail)
      assert.equal(stack.connections.length, 0)
    })

  for (const target of ['/a\\b', '/a{b', '/a}b', '/a"b', '/a<b', '/a>b', '/a`b', '/a#b', '/\xe9'])
    it(`${target} is no valid request line`, async () => {
      await using stack = await httpStack(mirror)
      await assertRefused(stack, target, 400, /target has a character/)
    })
})

describe('an encoded slash', () => {
  it('reaches the upstream only where a rule has %2F: the vhost / of RabbitMQ', async () => {
    await using stack = await httpStack(mirror, 'allow: ["GET /queues/%2f/*", "GET /x/{id}"]')
    assert.equal(await forwardedLine(stack, 'GET /queues/%2f/mail'), 'GET /queues/%2F/mail')
    const detail = /encoded slash where no rule/
    for (const target of ['/queues/%2F/a%2fb', '/x/a%2Fb', '/x%2Fa', '/queues%2F%2F/a'])
      await assertRefused(stack, target, 400, detail)
    await assertRefused(stack, '/queues/%2F/mail', 405, /POST is not allowed/, 'POST')
    await assertRefused(stack, '/queues/a', 403, /is not on the allow list$/)
  })

  it('is data with encodedSlash: allow', async () => {
    await using stack = await httpStack(mirror, 'encodedSlash: allow, allow: ["GET /x/{id}"]')
    assert.equal(await forwardedLine(stack, 'GET /x/a%2fb'), 'GET /x/a%2Fb')
    await assertRefused(stack, '/x%2Fa', 403, /not on the allow list/)
    await assertRefused(stack, '/x/..%2Fa', 400, /dot segment/)
  })
})

describe('the names of a query', () => {
  it('that a rule does not have are 403, and the first is told', async () => {
    await using stack = await httpStack(mirror, 'allow: ["GET /items/{id} ?fields&page", "GET /bare ?"]')
    assert.equal(
      await forwardedLine(stack, 'GET /items/1?page=2&%66ields=a'),
      'GET /items/1?page=2&%66ields=a',
    )
    await assertRefused(
      stack,
      '/items/1?page=2&debug=1',
      403,
      /^\/items\/1 is not on the allow list with "debug" as a name/,
    )
    await assertRefused(stack, `/items/1?${'n'.repeat(1_000)}`, 403, /"n{128}[^n"]+" as/)
    await assertRefused(stack, '/bare?a', 403, /"a"/)
    await assertRefused(stack, '/items/1?debug', 403, /"debug"/, 'POST')
    await assertRefused(stack, '/items/1?page', 405, /POST is not allowed/, 'POST')
  })
})

it('/routes shows the rules in normal form', async () => {
  await using stack = await httpStack(mirror, 'allow: ["GET|PUT /%61/{id}/%2f ?b%26&c"]')
  assert.deepEqual(
    stack.sidecar.routes.map(
      ({ route }) => route.kind === 'http' && route.allow.map(({ path, query }) => [path, query]),
    ),
    [[['/a/{id}/%2F', ['b&', 'c']]]],
  )
})
