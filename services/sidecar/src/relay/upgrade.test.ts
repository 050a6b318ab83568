import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { BEARER, clientStack } from '../testing/clients.ts'
import { aTurn } from '../testing/conversation.ts'
import { GET, type HttpStack, httpStack } from '../testing/http-stack.ts'
import type { Dialogue, OnReceived } from '../testing/raw-server.ts'
import { HeldClock } from '../testing/sidecar-with.ts'

const ALLOW = 'allow: ["POST /exec/{id}/start upgrade tcp", "GET /ws upgrade websocket", GET /a]'
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'
const SWITCHED = `HTTP/1.1 101 UPGRADED\r\n${UPGRADE}\r\n`
const BODY = '{"Tty":true}'

function start(fields = UPGRADE, body = BODY): string {
  return `POST /exec/1/start HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`
}

/** Sends `response` once the whole request has come, and then echoes in capital letters. */
function switching(response = SWITCHED): OnReceived {
  const switched = new WeakSet<Dialogue>()
  return (dialogue) => {
    if (switched.has(dialogue)) {
      dialogue.socket.write(dialogue.received.toUpperCase())
      dialogue.received = ''
    } else if (dialogue.received.endsWith(BODY)) {
      switched.add(dialogue)
      dialogue.received = ''
      dialogue.socket.write(response)
      dialogue.socket.once('end', () => dialogue.socket.end('bye'))
    }
  }
}

function countersOf({ sidecar }: Pick<HttpStack, 'sidecar'>) {
  const counters = sidecar.routes[0]?.counters
  assert.ok(counters)
  return counters
}

/** Keeps what the upstream receives; the test writes what it sends. */
function recording(): { heard: string[]; behaviour: OnReceived } {
  const heard: string[] = []
  return {
    heard,
    behaviour: (dialogue) => {
      heard.push(dialogue.received)
      dialogue.received = ''
    },
  }
}

describe('a request of a rule with upgrade', () => {
  it('switches protocols: bytes go both ways, and each side ends by itself', async () => {
    await using stack = await httpStack(switching(), ALLOW)
    const client = stack.open().send(start())
    await client.hears('\r\n\r\n')
    assert.equal(client.received, 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    client.received = ''
    await client.send('ping').hears('PING')
    client.socket.end()
    assert.equal(await client.toItsEnd(), 'PINGbye')
    assert.equal(client.ending, 'end')
    assert.equal(stack.responses(101), 1)
    await eventually('the tunnel to be closed', () => countersOf(stack).tunnelsOpen.upgrade === 0)
    assert.equal(countersOf(stack).bytesSent, 4)
    assert.equal(countersOf(stack).bytesReceived, 7)
    assert.equal(countersOf(stack).tunnelsTotal.upgrade, 1)
  })

  it('goes on in the other direction when the upstream ends its side first', async () => {
    const { heard, behaviour } = recording()
    await using stack = await httpStack(behaviour, ALLOW)
    const client = stack.open().send(start())
    await eventually('the request', () => heard.join('').endsWith(BODY))
    stack.connections[0]?.end(`${SWITCHED}last`)
    await client.toItsEnd()
    client.send('still here')
    await eventually('the bytes', () => heard.join('').endsWith('still here'))
    client.socket.end()
  })

  for (const [what, fields, forwarded] of [
    ['in any case', 'connection: UPGRADE\r\nupgrade: TCP\r\n', 'tcp'],
    ['among others', 'Connection: keep-alive, Upgrade\r\nUpgrade: h2c, tcp\r\nUpgrade: foo\r\n', 'tcp'],
  ] as const)
    it(`is forwarded with the protocol of the rule alone, when that is named ${what}`, async () => {
      const { heard, behaviour } = recording()
      await using stack = await httpStack(behaviour, ALLOW)
      stack.open().send(start(fields))
      await eventually('the request', () => heard.join('').endsWith(BODY))
      const lines = heard
        .join('')
        .split('\r\n')
        .filter((line) => /^(connection|upgrade):/i.test(line))
      assert.deepEqual(lines, ['Connection: Upgrade', `Upgrade: ${forwarded}`])
    })

  it('keeps what the client sends early until the protocol is switched', async () => {
    const { heard, behaviour } = recording()
    await using stack = await httpStack(behaviour, ALLOW)
    const client = stack.open().send(`${start()}GET /secret HTTP/1.1\r\n\r\n`)
    await eventually('the request', () => heard.join('').endsWith(BODY))
    client.send('more')
    for (let i = 0; i < 10; i++) await aTurn()
    assert.doesNotMatch(heard.join(''), /secret|more/)
    stack.connections[0]?.write(SWITCHED)
    await eventually('the early bytes', () => heard.join('').endsWith('GET /secret HTTP/1.1\r\n\r\nmore'))
  })

  it('is served without it, and then both connections are closed, when the upstream does not switch', async () => {
    const { heard, behaviour } = recording()
    await using stack = await httpStack(behaviour, ALLOW)
    const client = stack.open().send(`${start()}GET /secret HTTP/1.1\r\nHost: a\r\n\r\n`)
    await eventually('the request', () => heard.join('').endsWith(BODY))
    stack.connections[0]?.write('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno')
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 404 Not Found\r\n.*Connection: close\r\n.*no$/s)
    await eventually(
      'the upstream connection to be closed',
      () => stack.connections[0]?.readableEnded === true,
    )
    assert.doesNotMatch(heard.join(''), /secret/)
    assert.equal(stack.connections.length, 1)
  })

  for (const [what, head] of [
    ['another protocol', 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['two protocols', 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp, h2c\r\n\r\n'],
    ['no protocol', 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n'],
    ['no Connection: Upgrade', 'HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n'],
    ['HTTP/1.0', 'HTTP/1.0 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'],
  ] as const)
    it(`is 502 upstream_malformed when the 101 has ${what}`, async () => {
      const { heard, behaviour } = recording()
      await using stack = await httpStack(behaviour, ALLOW)
      const client = stack.open().send(`${start()}early`)
      await eventually('the request', () => heard.join('').endsWith(BODY))
      stack.connections[0]?.write(`${head}tunnel bytes`)
      const response = await client.toItsEnd()
      assert.match(response, /^HTTP\/1.1 502 .*"upstream_malformed"/s)
      assert.doesNotMatch(response, /tunnel bytes/)
      await eventually(
        'the upstream connection to be closed',
        () => stack.connections[0]?.readableEnded === true,
      )
      assert.doesNotMatch(heard.join(''), /early/)
    })

  it('is 502 upstream_malformed when the 101 comes before the whole request', async () => {
    await using stack = await httpStack((dialogue) => {
      dialogue.socket.write(SWITCHED)
    }, ALLOW)
    const client = stack.open().send(start(UPGRADE, BODY).slice(0, -3))
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 502 .*"upstream_malformed"/s)
  })

  it('may get the head of the 101 in pieces, after another interim response, with the first bytes', async () => {
    const { heard, behaviour } = recording()
    await using stack = await httpStack(behaviour, ALLOW)
    const client = stack.open().send(start())
    await eventually('the request', () => heard.join('').endsWith(BODY))
    const response = `HTTP/1.1 103 Early Hints\r\n\r\n${SWITCHED}first`
    for (const piece of response.match(/.{1,7}/gs) ?? []) {
      stack.connections[0]?.write(piece)
      await aTurn()
    }
    await client.hears('first')
    assert.equal(client.received, response)
  })

  it('passes many bytes through both ways', async () => {
    await using stack = await httpStack(switching(), ALLOW)
    const client = stack.open().send(start())
    await client.hears('\r\n\r\n')
    client.received = ''
    const bytes = 'x'.repeat(5_000_000)
    client.send(bytes).socket.end()
    assert.equal(await client.toItsEnd(), `${bytes.toUpperCase()}bye`)
  })

  it('is reset after timeouts.tunnelIdle, and not after another timeout', async () => {
    const time = new HeldClock()
    await using stack = await httpStack(
      switching(),
      `${ALLOW}, timeouts: {tunnelIdle: 300ms, body: 50ms, total: 50ms}`,
      time,
    )
    const client = stack.open().send(start())
    await client.hears('101')
    time.go()
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(stack.failures('client_timeout'), 1)
    assert.equal(stack.failures('upstream_timeout'), 0)
  })

  it('is counted in limits.tunnels and not in limits.upstreamConnections', async () => {
    const other = switching()
    await using stack = await httpStack((dialogue) => {
      if (!dialogue.received.startsWith('GET')) other(dialogue)
      else dialogue.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }, `${ALLOW}, limits: {tunnels: 1, upstreamConnections: 1, queue: 0}`)
    const first = stack.open().send(start())
    await first.hears('101')
    await stack.open().send(start()).hears('"overloaded"')
    await stack.open().send(GET).hears('ok')
    first[Symbol.dispose]()
    await eventually('a place to be free', () => countersOf(stack).tunnelsOpen.upgrade === 0)
    await stack.open().send(start()).hears('101')
  })

  it('is refused when it does not ask for the protocol of the rule', async () => {
    await using stack = await httpStack(switching(), ALLOW)
    for (const fields of [
      '',
      'Connection: Upgrade\r\nUpgrade: h2c\r\n',
      'Upgrade: tcp\r\n',
      'Connection: Upgrade\r\n',
    ])
      await stack.open().send(start(fields)).hears('"path_not_allowed"')
    const old = start().replace('HTTP/1.1', 'HTTP/1.0')
    await stack.open().send(old).hears('"path_not_allowed"')
    assert.equal(stack.connections.length, 0)
  })

  it('ends with its side of the drain: after a second of silence, or when the time is over', async () => {
    await using stack = await httpStack(switching(), ALLOW)
    const client = stack.open().send(start())
    await client.hears('101')
    await stack.sidecar[Symbol.asyncDispose]()
    await client.toItsEnd()
    assert.equal(stack.failures('draining'), 1)
  })
})

describe('an upgrade that no rule names', () => {
  it('is served without it when it is optional', async () => {
    const { heard, behaviour } = recording()
    await using stack = await httpStack(behaviour, ALLOW)
    stack.open().send(GET.replace('Host', 'Connection: Upgrade\r\nUpgrade: h2c\r\nHost'))
    await eventually('the request', () => heard.join('').includes('\r\n\r\n'))
    assert.doesNotMatch(heard.join(''), /upgrade/i)
    stack.connections[0]?.write(SWITCHED)
    await eventually('the failure', () => stack.failures('upstream_malformed') === 1)
  })

  it('is refused when it is a WebSocket, and the connection is closed', async () => {
    await using stack = await httpStack(switching(), ALLOW)
    const socket = GET.replace('Host', 'Connection: Upgrade\r\nUpgrade: websocket\r\nHost')
    const response = await stack.open().send(`${socket}${GET}`).toItsEnd()
    assert.match(response, /^HTTP\/1.1 501 .*"upgrade_refused"/s)
    assert.equal(response.match(/^HTTP\/1.1 \d/gm)?.length, 1)
  })
})

describe('an upgraded connection for a client', () => {
  const RULE = 'allow: ["POST /exec/{id}/start upgrade tcp for prometheus"]'

  it('is only for that client, and is cut by a reload that does not allow it any more', async () => {
    await using stack = await clientStack(RULE, { behaviour: switching() })
    await stack.open().send(start()).hears('"unauthenticated"')
    const client = stack.open().send(start(UPGRADE + BEARER))
    await client.hears('101')
    await stack.apply('allow: ["POST /exec/{id}/start upgrade tcp for prometheus grafana"]')
    client.received = ''
    await client.send('ping').hears('PING')
    await stack.apply('allow: ["POST /exec/{id}/start upgrade tcp for operator"]')
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(countersOf(stack).failures.get('draining'), 0)
  })

  it('is cut when its rule has another protocol now', async () => {
    await using stack = await clientStack(RULE, { behaviour: switching() })
    const both = UPGRADE.replace('tcp', 'tcp, h2c')
    const client = stack.open().send(start(both + BEARER))
    await client.hears('101')
    await stack.apply('allow: ["POST /exec/{id}/start upgrade h2c for prometheus"]')
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(countersOf(stack).failures.get('draining'), 0)
  })
})
