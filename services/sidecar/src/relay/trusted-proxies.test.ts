import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { WITHOUT_FFI } from '@uds-sidecar/shared/testing/processes'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { makePair, secretDirectory, tlsConversation, tlsText } from '../testing/certificates.ts'
import { clientStack, OTHER_BEARER, WRONG_BEARER } from '../testing/clients.ts'
import { aTurn } from '../testing/conversation.ts'
import { GET, type HttpStack, httpStack, OK } from '../testing/http-stack.ts'
import { mirror } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'
import { unixStack } from '../testing/unix-routes.ts'
import { callerOf } from './caller.ts'

const BEHIND = 'trustedProxies: [127.0.0.0/8, unix]'
/** 127.0.0.1, from which all clients of these tests connect, is no proxy. */
const NOT_BEHIND = 'trustedProxies: [10.0.0.0/8]'

/** The lines about the origin of a request that the upstream gets when a client sends `fields`. */
async function toldOrigin(stack: Pick<HttpStack, 'open'>, ...fields: string[]): Promise<string[]> {
  using client = stack.open()
  client.send(['GET /a HTTP/1.1', 'Host: a', ...fields, '', ''].join('\r\n'))
  await client.hears('X-Request-Id: ')
  const [, head = ''] = client.received.split('\r\n\r\n')
  return head.split('\r\n').filter((line) => /^(x-)?forwarded/i.test(line))
}

const ownOrigin = ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Proto: http']

describe('X-Forwarded-For and X-Forwarded-Proto', () => {
  it('of a trusted proxy are continued and passed on', async () => {
    await using stack = await httpStack(mirror, BEHIND)
    assert.deepEqual(await toldOrigin(stack, 'X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https'), [
      'X-Forwarded-For: 203.0.113.7, 127.0.0.1',
      'X-Forwarded-Proto: https',
    ])
    assert.deepEqual(await toldOrigin(stack), ownOrigin)
  })

  it('lose what stands before the client: nobody trusted has said it', async () => {
    await using stack = await httpStack(mirror, BEHIND)
    const spoofed = ['X-Forwarded-For: 10.9.9.9', 'x-forwarded-for: 198.51.100.1, 203.0.113.7, 127.0.0.9']
    const [chain] = await toldOrigin(stack, ...spoofed)
    assert.equal(chain, 'X-Forwarded-For: 203.0.113.7, 127.0.0.9, 127.0.0.1')
  })

  it('of anybody else are dropped', async () => {
    for (const settings of [
      '',
      NOT_BEHIND,
      'trustedProxies: ["uid:5", "10.0.0.0/8"]',
      'trustedProxies: [127.0.0.2]',
    ]) {
      await using stack = await httpStack(mirror, settings)
      for (const field of [
        'X-Forwarded-For: 203.0.113.7',
        'X_Forwarded_For: 203.0.113.7',
        'Forwarded: for=203.0.113.7;proto=https',
      ])
        assert.deepEqual(await toldOrigin(stack, field, 'X-Forwarded-Proto: https'), ownOrigin, settings)
    }
  })

  it('are the only fields of their kind that a trusted proxy has a say in', async () => {
    await using stack = await httpStack(mirror, BEHIND)
    const others = [
      'X-Forwarded-Host: b',
      'X-Forwarded-User: ann',
      'X-Forwarded-Prefix: /b',
      'X-Real-IP: 203.0.113.7',
      'Forwarded: for=203.0.113.7',
      'X-Forwarded-Port: 1',
    ]
    assert.deepEqual(await toldOrigin(stack, ...others), ownOrigin)
  })

  it('are judged for each request on a connection', async () => {
    await using stack = await httpStack(mirror, BEHIND)
    const client = stack.open()
    const request = (fields: string) => `GET /a HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
    await client
      .send(request('X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n'))
      .hears('203.0.113.7, 127.0.0.1\r\nX-Forwarded-Proto: https')
    client.received = ''
    await client.send(request('')).hears('X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n')
    client.received = ''
    const pipelined = ['203.0.113.8', '203.0.113.9'].map((address) =>
      request(`X-Forwarded-For: ${address}\r\n`),
    )
    await client.send(pipelined.join('')).hears('203.0.113.9, 127.0.0.1')
    assert.match(client.received, /203\.0\.113\.8, 127\.0\.0\.1.*203\.0\.113\.9, 127\.0\.0\.1/s)
  })

  it('of 10,000 entries are a 431 by default, and where they fit the client is still the right one', async () => {
    const entries = Array.from({ length: 10_000 }, () => '1.1.1.1').join(',')
    await using stack = await httpStack(mirror, BEHIND)
    await stack
      .open()
      .send(`GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${entries}\r\n\r\n`)
      .hears('"head_too_large"')
    await using roomy = await httpStack(mirror, `${BEHIND}, limits: {headBytes: 256KiB}`)
    const [chain] = await toldOrigin(roomy, `X-Forwarded-For: ${entries}, 203.0.113.7`)
    assert.equal(chain, 'X-Forwarded-For: 203.0.113.7, 127.0.0.1')
  })

  it('with forwardedField: Forwarded are read from that field alone', async () => {
    await using stack = await httpStack(mirror, `${BEHIND}, forwardedField: Forwarded`)
    const xff = ['X-Forwarded-For: 198.51.100.1', 'X-Forwarded-Proto: wss']
    assert.deepEqual(await toldOrigin(stack, ...xff), ownOrigin)
    assert.deepEqual(await toldOrigin(stack, ...xff, 'Forwarded: for="[2001:db8::7]:4711";proto=https'), [
      'X-Forwarded-For: 2001:db8::7, 127.0.0.1',
      'X-Forwarded-Proto: https',
    ])
  })
})

it('an IPv4 client of a socket for both families has its usual address', () => {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: '::ffff:203.0.113.7' })
  const { key, address } = callerOf(socket, { kind: 'tcp', host: '::', port: 8080 })
  assert.deepEqual([key, address], ['203.0.113.7', '203.0.113.7'])
})

describe('a proxy on a Unix socket', () => {
  it('is trusted by unix, or by its uid, and not by another uid or an address', async () => {
    const field = 'X-Forwarded-For: 203.0.113.7'
    for (const [entries, chain] of [
      ['[unix]', '203.0.113.7'],
      [`["uid:${process.getuid?.()}"]`, '203.0.113.7'],
      ['["uid:4000000", 127.0.0.0/8]', 'unknown'],
    ] as const) {
      await using stack = await clientStack(`allow: [GET /a], trustedProxies: ${entries}`, { unix: true })
      const [told] = await toldOrigin(stack, field)
      assert.equal(told, `X-Forwarded-For: ${chain}`, entries)
    }
  })

  it('that names nobody is itself the client', async () => {
    await using stack = await clientStack('allow: [GET /a], trustedProxies: [unix]', { unix: true })
    assert.deepEqual(await toldOrigin(stack, 'X-Forwarded-For: unknown', 'X-Forwarded-Proto: https'), [
      'X-Forwarded-For: unknown',
      'X-Forwarded-Proto: https',
    ])
  })
})

describe('a start that trusts a uid', () => {
  it('is refused with peer_unknown where the kernel cannot tell who connects; one that trusts all users is not', async () => {
    await using stack = await unixStack()
    const options = { nodeArgs: WITHOUT_FFI }
    await using refused = await stack.start(
      `routes: [${stack.route('a', 'trustedProxies: ["uid:5"]')}]`,
      options,
    )
    assert.equal(await refused.ended(), 78)
    assert.match(
      refused.errors() + refused.log(),
      /peer_unknown.*the route a needs to know which user calls/s,
    )
    await using started = await stack.start(
      `routes: [${stack.route('a', 'trustedProxies: [unix]')}]`,
      options,
    )
    await started.started()
  })
})

describe('what a trusted proxy says', () => {
  const codeOf = (response: string) => /"code":"(\w+)"/.exec(response)?.[1] ?? response.slice(9, 12)

  it('is never an identity: a uid, a gid and a token are those of who connected', async () => {
    await using stack = await clientStack(
      'allow: [GET /a for me, GET /b for stranger, GET /c for prometheus], trustedProxies: [unix]',
      { unix: true },
    )
    const fields =
      'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-User: stranger\r\nForwarded: for=uid 4000000\r\n'
    const served = await stack.ask('GET /a', fields)
    assert.match(
      served,
      /X-Forwarded-For: 203\.0\.113\.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-User: me\r\n/,
    )
    assert.equal(codeOf(await stack.ask('GET /b', fields)), 'not_permitted')
    assert.equal(codeOf(await stack.ask('GET /c', fields)), 'not_permitted')
    assert.equal(codeOf(await stack.ask('GET /b', 'X-Forwarded-For: uid 4000000\r\n')), 'not_permitted')
  })

  it('of loopback addresses opens nothing that a token is needed for', async () => {
    await using stack = await clientStack(`allow: [GET /a for prometheus], ${BEHIND}`)
    for (const address of ['127.0.0.1', '::1', 'localhost', 'unknown'])
      assert.equal(codeOf(await stack.ask('GET /a', `X-Forwarded-For: ${address}\r\n`)), 'unauthenticated')
  })

  it('counts for failed attempts: each client has its own, and the proxy is not locked out', async () => {
    await using stack = await clientStack(`allow: [GET /a for prometheus], ${BEHIND}`)
    const from = async (address: string, times: number) => {
      const codes: string[] = []
      for (let i = 0; i < times; i++)
        codes.push(
          codeOf(
            await stack.ask('GET /a', `X-Forwarded-For: 198.51.100.${i}, ${address}\r\n${WRONG_BEARER}`),
          ),
        )
      return codes
    }
    assert.deepEqual(await from('203.0.113.7', 11), [
      ...Array(10).fill('bad_credentials'),
      'too_many_attempts',
    ])
    assert.deepEqual(await from('203.0.113.8', 1), ['bad_credentials'])
    assert.equal(codeOf(await stack.ask('GET /a', WRONG_BEARER)), 'bad_credentials')
    assert.equal(
      codeOf(await stack.ask('GET /a', `X-Forwarded-For: 203.0.113.7\r\n${OTHER_BEARER}`)),
      'too_many_attempts',
    )
  })

  it('counts for nothing where the proxy is not trusted: its own address is over the limit', async () => {
    await using stack = await clientStack(`allow: [GET /a for prometheus], ${NOT_BEHIND}`)
    const codes: string[] = []
    for (let i = 0; i < 11; i++)
      codes.push(codeOf(await stack.ask('GET /a', `X-Forwarded-For: 203.0.113.${i}\r\n${WRONG_BEARER}`)))
    assert.equal(codes.at(-1), 'too_many_attempts')
  })
})

/** An upstream that holds each request until the test lets it go. */
function holding() {
  const waiting: (() => void)[] = []
  return {
    waiting,
    behaviour: (dialogue: { received: string; socket: { write(text: string): unknown } }) => {
      if (!dialogue.received.includes('\r\n\r\n')) return
      dialogue.received = ''
      waiting.push(() => dialogue.socket.write(OK))
    },
  }
}

describe('the limits of one address', () => {
  const of = (address: string) => GET.replace('Host', `X-Forwarded-For: ${address}\r\nHost`)

  it('count requests under way of each client behind a trusted proxy, whose own connections do not count', async () => {
    const { waiting, behaviour } = holding()
    await using stack = await httpStack(behaviour, `${BEHIND}, limits: {connectionsPerAddress: 1}`)
    const one = stack.open().send(of('203.0.113.7'))
    const other = stack.open().send(of('203.0.113.8'))
    await eventually('both to be forwarded', () => waiting.length === 2)
    const again = stack.open()
    await again.send(of('203.0.113.7')).hears('"overloaded"')
    assert.match(again.received, /too many requests of this client/)
    for (const respond of waiting.splice(0)) respond()
    await one.hears('ok')
    await other.hears('ok')
    again.received = ''
    again.send(of('203.0.113.7'))
    await eventually('it to be forwarded on the kept connection', () => waiting.length === 1)
    waiting.shift()?.()
    await again.hears('ok')
  })

  it('do not count the connections of a proxy that speaks TLS, nor their handshakes', async () => {
    const pair = await makePair()
    await using secret = await secretDirectory(pair)
    const settings = `${BEHIND}, ${tlsText(secret)}, limits: {connectionsPerAddress: 1}`
    await using stack = await httpStack(mirror, settings)
    using waiting = stack.open()
    await eventually('its handshake to begin', () => stack.sidecar.routes[0]?.limits.taken === 1)
    using one = tlsConversation(portOf(stack.sidecar), pair)
    await one.send(of('203.0.113.7')).hears('203.0.113.7, 127.0.0.1')
    using other = tlsConversation(portOf(stack.sidecar), pair)
    await other.send(of('203.0.113.7')).hears('203.0.113.7, 127.0.0.1')
    assert.equal(waiting.ending, null)
  })

  it('are given back when the client of a request under way leaves', async () => {
    const { waiting, behaviour } = holding()
    await using stack = await httpStack(behaviour, `${BEHIND}, limits: {connectionsPerAddress: 1}`)
    const gone = stack.open().send(of('203.0.113.7'))
    await eventually('it to be forwarded', () => waiting.length === 1)
    gone[Symbol.dispose]()
    await eventually('it to be gone', () => stack.sidecar.routes[0]?.counters.connectionsOpen === 0)
    stack.open().send(of('203.0.113.7'))
    await eventually('the next one to be forwarded', () => waiting.length === 2)
  })

  it('count connections, as ever, of a client that is no trusted proxy', async () => {
    const { waiting, behaviour } = holding()
    await using stack = await httpStack(behaviour, `${NOT_BEHIND}, limits: {connectionsPerAddress: 1}`)
    stack.open().send(of('203.0.113.7'))
    await eventually('it to be forwarded', () => waiting.length === 1)
    await stack.open().send(of('203.0.113.8')).hears('"overloaded"')
  })

  it('let clients behind one proxy take turns at the upstream', async () => {
    const order: string[] = []
    const waiting: (() => void)[] = []
    await using stack = await httpStack((dialogue) => {
      if (!dialogue.received.includes('\r\n\r\n')) return
      order.push(/GET \/(\w+)/.exec(dialogue.received)?.[1] ?? '')
      dialogue.received = ''
      waiting.push(() => dialogue.socket.write(OK))
    }, `${BEHIND}, limits: {upstreamConnections: 1}`)
    const ask = async (path: string, address: string) => {
      const client = await stack.openAndWait()
      client.send(of(address).replace('/a', path))
      return client
    }
    await ask('/first', '203.0.113.7')
    await eventually('the first to be forwarded', () => waiting.length === 1)
    for (const path of ['/one', '/two', '/three']) await ask(path, '203.0.113.7')
    const other = await ask('/other', '203.0.113.8')
    await aTurn() // all of them are read, and wait
    for (let i = 0; i < 5; i++) {
      await eventually(`request ${i}`, () => waiting.length === 1)
      waiting.shift()?.()
    }
    await other.hears('ok')
    assert.equal(order[0], 'first')
    assert.ok(order.indexOf('other') <= 2, `${order}`)
  })
})

describe('a reload that changes trustedProxies', () => {
  it('counts for the next request, on open connections too', async () => {
    await using stack = await clientStack(`allow: [GET /a], ${BEHIND}`)
    const client = stack.open()
    const request = 'GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n'
    await client.send(request).hears('X-Forwarded-For: 203.0.113.7, 127.0.0.1\r\n')
    await stack.apply(`allow: [GET /a], ${NOT_BEHIND}`)
    client.received = ''
    await client.send(request).hears('X-Forwarded-For: 127.0.0.1\r\n')
    assert.deepEqual(await toldOrigin(stack, 'X-Forwarded-For: 203.0.113.7'), ownOrigin)
    await stack.apply(`allow: [GET /a], ${BEHIND}`)
    assert.equal(
      (await toldOrigin(stack, 'X-Forwarded-For: 203.0.113.7'))[0],
      'X-Forwarded-For: 203.0.113.7, 127.0.0.1',
    )
  })
})
