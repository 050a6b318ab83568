import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { type Line, loggingSidecar } from '../testing/access-lines.ts'
import { makePair, secretDirectory, tlsText } from '../testing/certificates.ts'
import { remote } from '../testing/connect-stack.ts'
import { aTurn, Conversation } from '../testing/conversation.ts'
import { GET, OK } from '../testing/http-stack.ts'
import { type Dialogue, type OnReceived, play, rawServer, responding, silent } from '../testing/raw-server.ts'
import { configFrom, portOf } from '../testing/sidecar-with.ts'

const ALLOW = 'allow: [GET|POST /a, GET /events long, GET /ws upgrade chat]'

/** A sidecar with one route and its upstream. @param settings of the route, as in the file */
async function stack(behaviour: OnReceived | null, settings = ALLOW, top = 'accessLog: all', kind = 'http') {
  const run = await tempDirectory()
  const upstream = `${run.path}/u`
  const server = behaviour === null ? null : await rawServer(upstream, (socket) => play(socket, behaviour))
  const yaml = `${top}
drain: 100ms
routes:
  - {name: web, kind: ${kind}, listen: "tcp://127.0.0.1:0", upstream: "unix:${upstream}", ${settings}}
`
  const logging = await loggingSidecar(yaml)
  const conversations: Conversation[] = []
  return {
    ...logging,
    yaml,
    server,
    open() {
      const conversation = new Conversation(portOf(logging.sidecar))
      conversations.push(conversation)
      return conversation
    },
    async [Symbol.asyncDispose]() {
      for (const conversation of conversations) conversation[Symbol.dispose]()
      await logging.sidecar[Symbol.asyncDispose]()
      await server?.[Symbol.asyncDispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

function parts({ method, path, status, code }: Line) {
  return [method, path, status, code]
}

describe('the access log of an HTTP route', () => {
  it('says who sent what, what came back, how many bytes went both ways, and how long each step took', async () => {
    await using it = await stack(responding(OK))
    const client = it.open()
    const request =
      'POST /a?secret=1 HTTP/1.1\r\nHost: a\r\nX-Request-Id: from-client\r\nContent-Length: 3\r\n\r\nabc'
    await client.send(request).hears('ok')
    const [line = {}] = await it.untilLines(1)
    const { time: _, queueMs, connectMs, headMs, totalMs, ...rest } = line
    assert.deepEqual(rest, {
      level: 'info',
      service: 'sidecar',
      msg: 'request',
      route: 'web',
      client: null,
      address: '127.0.0.1',
      uid: null,
      method: 'POST',
      path: '/a',
      status: 200,
      code: null,
      bytesFromClient: request.length,
      bytesToClient: client.received.length,
      requestId: 'from-client',
      traceId: null,
    })
    const times = [queueMs, connectMs, headMs].map(Number)
    assert.ok(times.every((ms) => ms >= 0))
    assert.ok(times.reduce((sum, ms) => sum + ms, 0) <= Number(totalMs) + 0.01)
    assert.doesNotMatch(it.text(), /secret/)
  })

  it('has the id that the sidecar gave a request, and no connect time where a kept connection was used', async () => {
    const heads: string[] = []
    const behaviour = responding(OK)
    await using it = await stack((dialogue) => {
      heads.push(dialogue.received)
      behaviour(dialogue)
    })
    const client = it.open()
    await client.send(GET).hears('ok')
    client.received = ''
    await client.send(GET).hears('ok')
    const lines = await it.untilLines(2)
    assert.deepEqual(
      lines.map(({ requestId }) => requestId),
      heads.map((head) => /X-Request-Id: (.*)\r/.exec(head)?.[1]),
    )
    assert.notEqual(lines[0]?.connectMs, null)
    assert.equal(lines[1]?.connectMs, null)
  })

  it('has the path of each request of a connection, however much they are alike', async () => {
    await using it = await stack(responding(OK), 'allow: [GET /*]')
    const paths = ['/ab', '/ab', '/ac', '/a', '/ab', '/abc', '/bb', '/ab']
    const client = it.open()
    for (const path of paths) {
      client.received = ''
      await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).hears('ok')
    }
    const lines = await it.untilLines(paths.length)
    assert.deepEqual(
      lines.map(({ path }) => path),
      paths,
    )
  })

  it('has a line for what is refused, also before a rule was found', async () => {
    await using it = await stack(responding(OK), ALLOW, 'accessLog: failed')
    const requests: readonly (readonly [request: string, expected: unknown[]])[] = [
      ['GET /b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n', ['GET', '/b', 403, 'path_not_allowed']],
      ['PUT /a HTTP/1.1\r\nHost: a\r\n\r\n', ['PUT', '/a', 405, 'method_not_allowed']],
      ['GET /a/../b?token=s HTTP/1.1\r\nHost: a\r\n\r\n', ['GET', '/a/../b', 400, 'bad_request']],
      [
        'GET /é\u001b[2J?token=s HTTP/1.1\r\nHost: a\r\n\r\n',
        ['GET', '/\ufffd\u001b[2J', 400, 'bad_request'],
      ],
      ['GET http://me:pw@h/p?token=s HTTP/1.1\r\nHost: h\r\n\r\n', ['GET', '/p', 400, 'bad_request']],
      ['CONNECT me:pw@h:443 HTTP/1.1\r\nHost: h\r\n\r\n', ['CONNECT', 'h:443', 501, 'upgrade_refused']],
      ['GET /a HTTP/1.1\r\n\r\n', ['GET', '/a', 400, 'bad_request']],
      ['\u0016\u0003\u0001\u001b[31m\r\n\r\n', [null, null, 400, 'bad_request']],
      ['user=me&password=pw\r\n\r\n', [null, null, 400, 'bad_request']],
      ['Authorization: Bearer-token /x\r\n\r\n', [null, null, 400, 'bad_request']],
      ['Secret token-of-me HTTP/1.1\r\n\r\n', [null, null, 400, 'bad_request']],
      ['get /a HTTP/1.1\r\n\r\n', ['get', '/a', 400, 'bad_request']],
      [`GET /${'a'.repeat(20_000)}`, ['GET', `/${'a'.repeat(255)}…`, 414, 'uri_too_long']],
    ]
    for (const [i, [request, expected]] of requests.entries()) {
      const client = it.open()
      await client.send(request).hears('\r\n\r\n')
      const line = (await it.untilLines(i + 1))[i] ?? {}
      assert.deepEqual(parts(line), expected)
      assert.equal(line.bytesFromClient, request.length)
      await client.hears('}')
      assert.equal(line.bytesToClient, client.received.length)
    }
    assert.doesNotMatch(it.text(), /pw|token/)
    assert.match(it.text(), /^[ -~\n…\ufffd]*$/)
  })

  it('names the failure of an upstream, with the time that its step took', async () => {
    await using it = await stack(null, ALLOW, 'accessLog: failed')
    await it.open().send(GET).hears('socket_missing')
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual([line.level, ...parts(line)], ['warn', 'GET', '/a', 503, 'socket_missing'])
    assert.notEqual(line.connectMs, null)
    assert.equal(line.headMs, null)
    assert.equal(line.requestId, null)
  })

  it('says that the client left before it had the response', async () => {
    let isAsked = false
    await using it = await stack(
      () => {
        isAsked = true
      },
      ALLOW,
      'accessLog: failed',
    )
    const client = it.open().send(GET)
    await eventually('the request to be with the upstream', () => isAsked)
    client.socket.destroy()
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual(parts(line), ['GET', '/a', null, 'client_left'])
    assert.equal(line.bytesToClient, 0)
    assert.notEqual(line.headMs, null)
  })

  it('has the status of a response that was cut, and why', async () => {
    await using it = await stack(({ socket }) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')
    })
    await it.open().send(GET).toItsEnd()
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual(parts(line), ['GET', '/a', 200, 'upstream_truncated'])
  })

  it('has one line for a long response, whose client leaves when it likes', async () => {
    await using it = await stack(responding('HTTP/1.1 200 OK\r\n\r\nevent'), ALLOW, 'accessLog: all')
    const client = it.open()
    await client.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n').hears('event')
    assert.deepEqual(it.lines(), [])
    client.socket.destroy()
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual(parts(line), ['GET', '/events', 200, null])
    assert.equal(line.bytesToClient, client.received.length)
  })

  it('has one line for an upgraded connection, with the bytes of its tunnel', async () => {
    const fields = 'Connection: Upgrade\r\nUpgrade: chat\r\n'
    await using it = await stack((dialogue) => {
      const isHead = dialogue.received.includes('\r\n\r\n')
      dialogue.socket.write(isHead ? `HTTP/1.1 101 Switching\r\n${fields}\r\n` : 'pong')
      dialogue.received = ''
      dialogue.socket.once('end', () => dialogue.socket.end())
    })
    const request = `GET /ws HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
    const client = it.open()
    await client.send(request).hears('\r\n\r\n')
    await client.send('ping').hears('pong')
    assert.deepEqual(it.lines(), [])
    client.socket.end()
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual(parts(line), ['GET', '/ws', 101, null])
    assert.equal(line.bytesFromClient, request.length + 'ping'.length)
    assert.equal(line.bytesToClient, client.received.length)
    assert.equal(it.lines().length, 1)
  })

  it('has a line for a connection without a place', async () => {
    const settings = `${ALLOW}, limits: {connections: 1}`
    await using it = await stack(silent, settings, 'accessLog: failed')
    const first = it.open()
    await eventually('the first connection', () => it.sidecar.routes[0]?.counters.connectionsOpen === 1)
    await it.open().hears('overloaded')
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual(parts(line), [null, null, 503, 'overloaded'])
    first.socket.destroy()
  })

  it('logs what a reload asks for from then on, on connections that are open too', async () => {
    await using it = await stack(responding(OK), ALLOW, 'accessLog: off')
    const client = it.open()
    const ask = async (request: string, response: string) => {
      client.received = ''
      await client.send(request).hears(response)
    }
    await ask(GET, 'ok')
    await it.sidecar.apply(configFrom(it.yaml.replace('off', 'all')))
    await ask(GET, 'ok')
    await it.untilLines(1)
    await it.sidecar.apply(configFrom(it.yaml.replace('off', 'failed')))
    await ask(GET, 'ok')
    await ask('GET /none HTTP/1.1\r\nHost: a\r\n\r\n', 'path_not_allowed')
    const lines = await it.untilLines(2)
    assert.deepEqual(
      lines.map(({ code }) => code),
      [null, 'path_not_allowed'],
    )
  })
})

describe('the access log, about callers', () => {
  it('names the client, and never its secret', async () => {
    await using run = await tempDirectory()
    const token = 'a-token-of-prometheus'
    await writeFile(run.at('token'), `${token}\n`)
    await using _upstream = await rawServer(run.at('u'), (socket) => play(socket, responding(OK)))
    const listen = `unix:${run.at('web.sock')}`
    const me = process.getuid?.()
    const it = await loggingSidecar(`accessLog: all
clients: {prometheus: {token: ${run.at('token')}}}
routes: [{name: web, kind: http, listen: "${listen}", upstream: "unix:${run.at('u')}", allow: [GET /a for prometheus]}]`)
    await using _sidecar = it.sidecar
    const ask = async (fields = '') => {
      const head = `GET /a HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`
      await new Conversation(run.at('web.sock')).send(head).toItsEnd()
    }
    await ask(`Authorization: Bearer ${token}\r\n`)
    await ask()
    await ask('Authorization: Bearer a-token-of-nobody-at-all\r\n')
    const lines = await it.untilLines(3)
    assert.deepEqual(
      lines.map(({ client, address, uid, status, code }) => [client, address, uid, status, code]),
      [
        ['prometheus', null, me, 200, null],
        [null, null, me, 401, 'unauthenticated'],
        [null, null, me, 401, 'bad_credentials'],
      ],
    )
    assert.doesNotMatch(it.text(), /a-token-of/)
  })

  it('has a line for plain HTTP on a port with TLS', async () => {
    await using files = await secretDirectory(await makePair())
    await using it = await stack(responding(OK), `${ALLOW}, ${tlsText(files)}`, 'accessLog: failed')
    await it.open().send('GET /a?token=s HTTP/1.1\r\nHost: a\r\n\r\n').hears('tls_required')
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual(parts(line), ['GET', '/a', 400, 'tls_required'])
  })

  it('says that a request was cut because the time to drain is over', async () => {
    await using it = await stack(silent, ALLOW, 'accessLog: failed')
    const client = it.open().send(GET)
    await eventually('the request to be under way', () =>
      it.server?.sockets.some((socket) => socket.bytesRead > 0),
    )
    await it.sidecar[Symbol.asyncDispose]()
    await client.toItsEnd()
    assert.deepEqual(it.lines().map(parts), [['GET', '/a', null, 'draining']])
  })

  it('says how long a request waited for an upstream connection', async () => {
    const held: Dialogue[] = []
    await using it = await stack(
      (dialogue) => held.push(dialogue),
      `${ALLOW}, limits: {upstreamConnections: 1}`,
    )
    const release = () => {
      const dialogue = held.shift()
      if (dialogue !== undefined) dialogue.received = ''
      dialogue?.socket.write(OK)
    }
    const [first, second] = [it.open().send(GET), it.open()]
    await eventually('the first request', () => held.length === 1)
    second.send(GET)
    await eventually('the second request to wait', () => it.sidecar.routes[0]?.counters.connectionsOpen === 2)
    await aTurn()
    release()
    await first.hears('ok')
    await eventually('the second request', () => held.length === 1)
    release()
    await second.hears('ok')
    const [, line = {}] = await it.untilLines(2)
    assert.ok(Number(line.queueMs) > 0)
    assert.equal(line.connectMs, null)
  })
})

describe('the access log of a route of kind connect', () => {
  const HELLO = Buffer.from('hello')

  async function connectStack(upstreamPort: number, allowAddresses = '127.0.0.1/32') {
    const run = await tempDirectory()
    const path = run.at('proxy.sock')
    const logging = await loggingSidecar(`accessLog: all
routes: [{name: out, kind: connect, listen: "unix:${path}", sni: any, allow: ["CONNECT 127.0.0.1:${upstreamPort}"], allowAddresses: [${allowAddresses}]}]`)
    return {
      ...logging,
      connect: (text: string) => new Conversation(path).send(text),
      async [Symbol.asyncDispose]() {
        await logging.sidecar[Symbol.asyncDispose]()
        await run[Symbol.asyncDispose]()
      },
    }
  }

  it('has one line for a tunnel, at its end', async () => {
    await using upstream = await remote('127.0.0.1')
    await using it = await connectStack(upstream.port)
    const head = `CONNECT 127.0.0.1:${upstream.port} HTTP/1.1\r\nHost: 127.0.0.1:${upstream.port}\r\n\r\n`
    const client = it.connect(head)
    await client.hears('\r\n\r\n')
    await client.send(HELLO).hears('hello')
    assert.deepEqual(it.lines(), [])
    client.socket.end()
    await client.toItsEnd()
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual(parts(line), ['CONNECT', `127.0.0.1:${upstream.port}`, 200, null])
    assert.equal(line.bytesFromClient, head.length + HELLO.length)
    assert.equal(line.bytesToClient, client.received.length)
    assert.ok(Number(line.connectMs) >= 0)
  })

  it('has a line for what is refused, dialled in vain, or no CONNECT', async () => {
    await using upstream = await remote('127.0.0.1')
    const { port } = upstream
    await upstream[Symbol.asyncDispose]()
    await using it = await connectStack(port)
    const requests: readonly (readonly [request: string, expected: unknown[]])[] = [
      [
        'CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n',
        ['CONNECT', 'other.example:443', 403, 'egress_denied'],
      ],
      [
        `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
        ['CONNECT', `127.0.0.1:${port}`, 503, 'connection_refused'],
      ],
      ['GET http://a/b?token=s HTTP/1.1\r\nHost: a\r\n\r\n', ['GET', '/b', 405, 'method_not_allowed']],
      ['CONNECT me:pw@a:443 HTTP/1.1\r\nHost: a\r\n\r\n', ['CONNECT', 'a:443', 400, 'bad_request']],
    ]
    for (const [i, [request, expected]] of requests.entries()) {
      const response = await it.connect(request).toItsEnd()
      const line = (await it.untilLines(i + 1))[i] ?? {}
      assert.deepEqual(parts(line), expected)
      assert.equal(line.bytesToClient, response.length)
    }
    assert.doesNotMatch(it.text(), /token|pw/)
  })
})

describe('the access log of a stream route', () => {
  it('has one line for a connection, with the bytes both ways', async () => {
    await using it = await stack(
      ({ socket }) => socket.end('answer'),
      'timeouts: {idle: 1m}',
      'accessLog: all',
      'stream',
    )
    const client = it.open()
    await client.send('ask').toItsEnd()
    client.socket.end()
    const [line = {}] = await it.untilLines(1)
    const { msg, address, code, status, method, bytesFromClient, bytesToClient, connectMs } = line
    assert.deepEqual([msg, address, method, status, code], ['connection', '127.0.0.1', null, null, null])
    assert.deepEqual([bytesFromClient, bytesToClient], [3, 6])
    assert.ok(Number(connectMs) >= 0)
    assert.equal(it.lines().length, 1)
  })

  it('names why a connection was not served', async () => {
    await using it = await stack(null, 'timeouts: {idle: 1m}', 'accessLog: failed', 'stream')
    await it.open().toItsEnd()
    const [line = {}] = await it.untilLines(1)
    assert.deepEqual([line.msg, line.code], ['connection', 'socket_missing'])
    assert.equal(it.lines().length, 1)
  })
})
