import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import {
  BEARER,
  basic,
  type ClientStack,
  clientStack,
  OTHER_BEARER,
  PASSWORD,
  WRONG_BEARER,
} from '../testing/clients.ts'
import { GET, OK } from '../testing/http-stack.ts'

const RULES = 'allow: [GET /a for prometheus grafana, GET /b for operator, GET /open, POST /a for prometheus]'
const ON_UNIX =
  'allow: [GET /a for stranger me, GET /b for stranger, GET /g for group, GET /open, GET /t for me prometheus]'

function codeOf(response: string): string {
  return `${response.slice(9, 12)} ${/"code":"(\w+)"/.exec(response)?.[1] ?? ''}`.trim()
}

function requestsOf({ sidecar }: ClientStack, client: string): number {
  return sidecar.routes[0]?.counters.requestsByClient.get(client) ?? 0
}

describe('a request that needs a client', () => {
  it('is 401 with a challenge for each scheme when it has no credential', async () => {
    await using stack = await clientStack(RULES)
    const response = await stack.ask('GET /a')
    assert.equal(codeOf(response), '401 unauthenticated')
    assert.match(
      response,
      /\r\nWWW-Authenticate: Bearer realm="web"\r\nWWW-Authenticate: Basic realm="web", charset="UTF-8"\r\n/,
    )
    assert.match(await stack.ask('GET /b'), /\r\nWWW-Authenticate: Bearer realm="web"\r\n(?!WWW)/)
    assert.doesNotMatch(response, /operator|prometheus|grafana/)
    assert.doesNotMatch(await stack.ask('HEAD /a'), /"code"/)
  })

  it('is 401 with a credential that proves nobody', async () => {
    await using stack = await clientStack(RULES)
    const bearer = await stack.ask('GET /a', WRONG_BEARER)
    assert.equal(codeOf(bearer), '401 bad_credentials')
    assert.match(bearer, /Bearer realm="web", error="invalid_token"\r\nWWW-Authenticate: Basic/)
    assert.doesNotMatch(bearer, /nobody-at-all/)
    const password = await stack.ask('GET /a', basic('grafana:open says me'))
    assert.equal(codeOf(password), '401 bad_credentials')
    assert.doesNotMatch(password, /invalid_token/)
    for (const value of [
      '',
      'Bearer',
      'Bearer ',
      'Basic',
      'Basic !',
      'Negotiate abc',
      'a-token-of-prometheus',
    ])
      assert.equal(
        codeOf(await stack.ask('GET /a', `Authorization: ${value}\r\n`)),
        '401 bad_credentials',
        value,
      )
  })

  it('is 403 for a client that no rule for it names, and where no credential would do', async () => {
    await using stack = await clientStack(RULES)
    assert.equal(codeOf(await stack.ask('GET /b', BEARER)), '403 not_permitted')
    assert.equal(codeOf(await stack.ask('GET /a', OTHER_BEARER)), '403 not_permitted')
    assert.equal(codeOf(await stack.ask('GET /b', PASSWORD)), '403 not_permitted')
    assert.doesNotMatch(await stack.ask('GET /b', BEARER), /WWW-Authenticate/)
  })

  it('is served with a credential, which the upstream does not see, and with the name of the client', async () => {
    await using stack = await clientStack(RULES)
    for (const [fields, user] of [
      [BEARER, 'prometheus'],
      [PASSWORD, 'grafana'],
      [BEARER.replace('Bearer', 'bEARER'), 'prometheus'],
      [BEARER.replace('Authorization', 'aUTHORIZATION'), 'prometheus'],
    ] as const) {
      const response = await stack.ask('GET /a', `${fields}X-Forwarded-User: admin\r\nA: b\r\n`)
      assert.match(response, new RegExp(`^HTTP/1.1 200 .*A: b\r\n.*X-Forwarded-User: ${user}\r\n`, 's'))
      assert.doesNotMatch(response, /authorization|admin/i)
    }
    assert.equal(requestsOf(stack, 'prometheus'), 3)
    assert.equal(requestsOf(stack, 'grafana'), 1)
  })

  it('is 400 with two Authorization fields, and with one that Connection names', async () => {
    await using stack = await clientStack(RULES)
    for (const fields of [
      BEARER + BEARER,
      BEARER + WRONG_BEARER,
      `${BEARER}authorization: x\r\n`,
      `${BEARER}Connection: authorization\r\n`,
    ])
      assert.equal(codeOf(await stack.ask('GET /a', fields)), '400 bad_request', fields)
  })

  it('is judged in this order: path, method, identity, for, size', async () => {
    await using stack = await clientStack(`${RULES}, limits: {bodyBytes: 3}`)
    assert.equal(codeOf(await stack.ask('GET /%00')), '400 bad_request')
    assert.equal(codeOf(await stack.ask('GET /z')), '403 path_not_allowed')
    assert.equal(codeOf(await stack.ask('DELETE /a')), '405 method_not_allowed')
    const body = 'Content-Length: 4\r\n'
    assert.equal(codeOf(await stack.ask('POST /a', body)), '401 unauthenticated')
    assert.equal(codeOf(await stack.ask('POST /a', body + OTHER_BEARER)), '403 not_permitted')
    assert.equal(codeOf(await stack.ask('POST /a', body + BEARER)), '413 body_too_large')
  })

  it('waits for its password without overtaking, and without losing its body', async () => {
    await using stack = await clientStack('allow: [GET /1 for grafana, POST /2 for grafana, GET /3]')
    const client = stack.open()
    client.send(`GET /1 HTTP/1.1\r\nHost: a\r\n${PASSWORD}\r\n`)
    client.send(`POST /2 HTTP/1.1\r\nHost: a\r\n${PASSWORD}Content-Length: 4\r\n\r\n`)
    client.send('body')
    client.send('GET /3 HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.hears('GET /3')
    assert.deepEqual(client.received.match(/(?:GET|POST) \/\d/g), ['GET /1', 'POST /2', 'GET /3'])
    assert.deepEqual(client.received.match(/X-Forwarded-User: \w+/g), [
      'X-Forwarded-User: grafana',
      'X-Forwarded-User: grafana',
    ])
  })

  it('whose client leaves while the password is verified is not forwarded', async () => {
    await using stack = await clientStack(RULES)
    const client = stack.open()
    client.send(`GET /a HTTP/1.1\r\nHost: a\r\n${PASSWORD}\r\n`)
    client[Symbol.dispose]()
    await eventually(
      'the connection to be closed',
      () => stack.sidecar.routes[0]?.counters.connectionsOpen === 0,
    )
    assert.match(await stack.ask('GET /a', PASSWORD), /^HTTP\/1.1 200 /)
  })
})

describe('a request that everybody may send', () => {
  it('has an identity only with a credential of ours; another one is the upstream’s', async () => {
    await using stack = await clientStack(RULES)
    const known = await stack.ask('GET /open', BEARER)
    assert.match(known, /X-Forwarded-User: prometheus\r\n/)
    assert.doesNotMatch(known, /Authorization/)
    const foreign = await stack.ask('GET /open', `${WRONG_BEARER}X-Forwarded-User: admin\r\n`)
    assert.match(foreign, /^HTTP\/1.1 200 .*Authorization: Bearer a-token-of-nobody-at-all\r\n/s)
    assert.doesNotMatch(foreign, /X-Forwarded-User/)
    assert.equal(requestsOf(stack, 'anonymous'), 1)
  })

  it('never borrows the identity of the request before it, nor of another connection', async () => {
    await using stack = await clientStack(RULES)
    const client = stack.open()
    await client.send(`GET /a HTTP/1.1\r\nHost: a\r\n${BEARER}\r\n`).hears('X-Forwarded-User: prometheus')
    client.received = ''
    await client.send('GET /open HTTP/1.1\r\nHost: a\r\n\r\n').hears('\r\n\r\nGET /open')
    await client.hears('X-Request-Id')
    assert.doesNotMatch(client.received, /X-Forwarded-User/)
    client.received = ''
    await client.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n').hears('unauthenticated')
    assert.doesNotMatch(await stack.ask('GET /open'), /X-Forwarded-User/)
  })

  it('goes with its credential to the upstream on a route without clients', async () => {
    await using stack = await clientStack('allow: [GET /a]')
    assert.match(await stack.ask('GET /a', BEARER), /Authorization: Bearer a-token-of-prometheus\r\n/)
  })
})

it('a request that is sent a second time has no credential either', async () => {
  const heads: string[] = []
  await using stack = await clientStack('allow: [GET|PUT /a for prometheus]', {
    behaviour(dialogue) {
      heads.push(dialogue.received)
      const isSecond = heads.length === 2
      dialogue.received = ''
      if (isSecond) dialogue.socket.end()
      else dialogue.socket.write(OK)
    },
  })
  const client = stack.open()
  await client.send(GET.replace('\r\n\r\n', `\r\n${BEARER}\r\n`)).hears('ok')
  client.received = ''
  client.send(`PUT /a HTTP/1.1\r\nHost: a\r\n${BEARER}Content-Length: 2\r\n\r\n1`)
  await eventually(
    'the head to be read',
    () => stack.sidecar.routes[0]?.counters.requestsByClient.get('prometheus') === 2,
  )
  await client.send('2').hears('ok')
  assert.equal(heads.length, 3)
  for (const head of heads) {
    assert.doesNotMatch(head, /authorization/i)
    assert.match(head, /X-Forwarded-User: prometheus\r\n/)
  }
})

describe('failed attempts', () => {
  it('are 429 after 10 in a minute, and a valid credential is served all the same', async () => {
    await using stack = await clientStack(RULES)
    for (let count = 1; count <= 10; count++)
      assert.equal(codeOf(await stack.ask('GET /a', WRONG_BEARER)), '401 bad_credentials', `${count}`)
    const refused = await stack.ask('GET /a', WRONG_BEARER)
    assert.equal(codeOf(refused), '429 too_many_attempts')
    assert.match(refused, /\r\nRetry-After: 60\r\n/)
    assert.match(await stack.ask('GET /a', BEARER), /^HTTP\/1.1 200 /)
    assert.equal(codeOf(await stack.ask('GET /a')), '401 unauthenticated')
  })

  it('count on a rule for everybody too, but not a credential of another scheme or none', async () => {
    await using stack = await clientStack('allow: [GET /open, GET /a for prometheus]')
    for (let count = 1; count <= 20; count++) {
      await stack.ask('GET /a')
      await stack.ask('GET /open', 'Authorization: Basic YTpi\r\n')
    }
    assert.equal(codeOf(await stack.ask('GET /a', WRONG_BEARER)), '401 bad_credentials')
    for (let count = 1; count <= 10; count++)
      assert.match(await stack.ask('GET /open', WRONG_BEARER), /^HTTP\/1.1 200 /)
    assert.equal(codeOf(await stack.ask('GET /a', WRONG_BEARER)), '429 too_many_attempts')
  })
})

describe('on a Unix socket', () => {
  it('the uid or the group of the caller proves who it is, and no credential is looked at', async () => {
    await using stack = await clientStack(ON_UNIX, { unix: true })
    for (const path of ['/a', '/t']) {
      const response = await stack.ask(`GET ${path}`, WRONG_BEARER)
      assert.match(response, /^HTTP\/1.1 200 .*X-Forwarded-User: me\r\n/s)
      assert.doesNotMatch(response, /Authorization/)
    }
    assert.match(await stack.ask('GET /g'), /X-Forwarded-User: group\r\n/)
    assert.match(await stack.ask('GET /open'), /X-Forwarded-User: me\r\n/)
    assert.equal(codeOf(await stack.ask('GET /b')), '403 not_permitted')
    assert.equal(codeOf(await stack.ask('GET /b', WRONG_BEARER)), '403 not_permitted')
  })
})

describe('hosts', () => {
  it('of a route are served, and no other name', async () => {
    await using stack = await clientStack('allow: [GET /a], hosts: [api.example, "*.example.org"]')
    const ask = async (host: string, target = '/a') =>
      (
        await stack
          .open()
          .send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
          .toItsEnd()
      ).slice(9, 12)
    const served = [
      'api.example',
      'API.Example:8080',
      'api.example.',
      'x.example.org',
      '127.0.0.1:1',
      '[::1]:1',
      'localhost',
    ]
    for (const host of served) assert.equal(await ask(host), '200', host)
    const others = [
      'evil.example',
      'example.org',
      'x.y.example.org',
      'api.example.evil',
      '127.0.0.1.evil',
      '',
      '0x7f.1',
      'xapi.example',
    ]
    for (const host of others) assert.equal(await ask(host), '421', host)
    assert.equal(await ask('evil.example', 'http://evil.example/a'), '421')
    assert.equal(await ask('api.example', 'http://api.example/a'), '200')
  })
})
