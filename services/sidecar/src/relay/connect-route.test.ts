import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect as tcpConnect } from 'node:net'
import { before, describe, it } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import { promisify } from 'node:util'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { makePair, type TestPair } from '../testing/certificates.ts'
import { helloMessage, inRecords, realHellos, serverNames } from '../testing/client-hellos.ts'
import { type ConnectStack, connectStack, NAME, remote, tlsRemote } from '../testing/connect-stack.ts'
import { aTurn, Conversation, readAll } from '../testing/conversation.ts'
import { HeldClock, opsPortOf, portOf } from '../testing/sidecar-with.ts'

const HELLO = inRecords(helloMessage({ extensions: [serverNames(NAME)] }))

let pair: TestPair
before(async () => {
  pair = await makePair()
})

/** Opens a tunnel and speaks TLS through it. */
async function tlsThrough(stack: ConnectStack, port: number, name = NAME) {
  const tunnel = stack.connect(`${name}:${port}`)
  await tunnel.hears('\r\n\r\n')
  tunnel.socket.removeAllListeners('data')
  const { socket } = tunnel
  const options = { socket, servername: name, rejectUnauthorized: false, allowHalfOpen: true }
  return Object.assign(tlsConnect(options), { tunnel })
}

describe('a tunnel', () => {
  it('carries TLS to the host that the CONNECT names', async () => {
    await using upstream = await tlsRemote(pair)
    await using stack = await connectStack({ allow: [`CONNECT *.example.org:${upstream.port}`] })
    const client = await tlsThrough(stack, upstream.port)
    client.end('hello')
    assert.equal(String(await readAll(client)), 'hello')
    assert.deepEqual(upstream.names, [NAME])
    assert.deepEqual(stack.asked, [`${NAME}.`])
    assert.equal(client.tunnel.received, 'HTTP/1.1 200 Connection established\r\n\r\n')
    client.tunnel.socket.destroy()
  })

  it('carries megabytes both ways, whatever their sizes and the speed of the reader', async () => {
    await using upstream = await tlsRemote(pair)
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
    const client = await tlsThrough(stack, upstream.port)
    const sent = randomBytes(8_000_000)
    client.write(sent)
    client.end()
    client.pause()
    await aTurn()
    const received = readAll(client)
    client.resume()
    assert.ok(sent.equals(await received))
    client.tunnel.socket.destroy()
    const counters = stack.sidecar.routes[0]?.counters
    await eventually('the tunnel to be counted', () => (counters?.bytesSent ?? 0) > sent.length)
    assert.ok((counters?.bytesReceived ?? 0) > sent.length)
    assert.equal(counters?.responses.get('CONNECT')?.get(200), 1)
  })

  for (const client of ['Node', 'openssl', 'curl'])
    it(`gets the ClientHello of ${client} whole, in whatever pieces it comes`, async () => {
      const flight = (await realHellos(NAME)).get(client)
      if (flight === undefined) return assert.equal(client, 'curl') // it is not installed
      await using upstream = await remote('127.0.0.1')
      await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
      const text = flight.toString('latin1')
      for (const cut of [1, 5, 6, 100, flight.length - 1]) {
        using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: flight.subarray(0, cut) })
        await tunnel.hears('\r\n\r\n')
        tunnel.received = ''
        await tunnel.send(flight.subarray(cut)).hears(text)
      }
      assert.equal(upstream.received(), text.repeat(5))
    })

  it('gets what came with the CONNECT, once, and in order', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
    const early = Buffer.concat([HELLO, Buffer.alloc(40_000, 'e')])
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early })
    await tunnel.hears(`\r\n\r\n${early.toString('latin1')}`)
    tunnel.send('later')
    await tunnel.hears('elater')
    assert.equal(upstream.received(), `${early.toString('latin1')}later`)
  })

  it('half-closes in both directions', async () => {
    await using upstream = await remote('127.0.0.1', {
      onConnection: (socket) => socket.once('end', () => socket.end('bye')).resume(),
    })
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: HELLO })
    await tunnel.hears('\r\n\r\n')
    tunnel.socket.end()
    assert.match(await tunnel.toItsEnd(), /\r\n\r\nbye$/)
  })

  it('ends when the upstream resets it', async () => {
    await using upstream = await remote('127.0.0.1', {
      onConnection: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    })
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: HELLO })
    await tunnel.toItsEnd()
    await eventually('the reset to be counted', () => stack.failed().upstream_reset === 1)
  })

  it('ends after its idle time', async () => {
    await using upstream = await remote('127.0.0.1')
    const time = new HeldClock()
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${upstream.port}`],
      settings: 'allowAddresses: [127.0.0.1/32], timeouts: {idle: 100ms}',
      clock: time.clock,
    })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: HELLO })
    await tunnel.hears('\x16\x03')
    time.go()
    await tunnel.toItsEnd()
    await eventually('the end to be counted', () => stack.failed().client_timeout === 1)
    await eventually('the upstream to be closed', () => upstream.sockets[0]?.readableEnded ?? false)
  })

  it('with sni: any may carry anything, and the server may speak first', async () => {
    await using upstream = await remote('127.0.0.1', {
      onConnection: (socket) => {
        socket.write('220 ready\r\n')
        socket.pipe(socket)
      },
    })
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${upstream.port}`],
      settings: 'sni: any, allowAddresses: [127.0.0.1/32]',
    })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: Buffer.from('early ') })
    await tunnel.hears('220 ready\r\n')
    await tunnel.send('EHLO').hears('early EHLO')
  })

  it('is dialled at the next address when the first does not accept', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${upstream.port}`],
      settings: 'allowAddresses: [127.0.0.1/32, 127.0.0.9/32]',
      names: { [NAME]: ['127.0.0.9', '127.0.0.1'] },
    })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: HELLO })
    await tunnel.hears('200')
    await eventually('the upstream to receive', () => upstream.received().length > 0)
  })
})

describe('real clients', () => {
  it('curl and openssl reach an allowed host through TCP, a stream route and the proxy socket, and no other', async () => {
    await using upstream = await tlsRemote(pair)
    await using stack = await connectStack({
      allow: [`CONNECT localhost:${upstream.port}`],
      names: { localhost: ['127.0.0.1'], 'other.example': ['127.0.0.1'] },
      routes: (directory) =>
        `, {name: tcp, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('proxy.sock')}"}`,
    })
    const proxy = `127.0.0.1:${portOf(stack.sidecar, 'tcp')}`
    const ca = stack.directory.at('ca.pem')
    await writeFile(ca, pair.cert)
    const openssl = spawn('openssl', [
      ...['s_client', '-proxy', proxy, '-connect', `localhost:${upstream.port}`, '-servername', 'localhost'],
      ...['-CAfile', ca, '-verify_return_error', '-quiet'],
    ])
    openssl.stdin.write('hello\n')
    const [line] = await once(openssl.stdout, 'data')
    assert.equal(String(line), 'hello\n')
    openssl.kill()
    const run = promisify(execFile)
    const curl = (url: string, ...more: string[]) =>
      run('curl', [
        '--proxy',
        `http://${proxy}`,
        '--cacert',
        ca,
        '--http0.9',
        '--max-time',
        '30',
        ...more,
        url,
      ]).then(
        () => 0,
        ({ code }: { code: unknown }) => code,
      )
    const hasCurl = await run('curl', ['--version']).then(
      () => true,
      () => false,
    )
    if (!hasCurl) return
    const CONNECT_FAILED = 56
    assert.equal(await curl(`https://other.example:${upstream.port}/`), CONNECT_FAILED)
    const fetched = curl(`https://localhost:${upstream.port}/`)
    await eventually('curl to be served', () => (upstream.sockets[1]?.bytesWritten ?? 0) > 0)
    for (const socket of upstream.sockets) socket.end()
    assert.equal(await fetched, 0)
    assert.deepEqual(upstream.names, ['localhost', 'localhost'])
  })
})

describe('a client that leaves at once', () => {
  for (const sni of ['required', 'any'])
    it(`leaves no connection behind, with sni: ${sni}`, async () => {
      await using upstream = await remote('127.0.0.1')
      await using stack = await connectStack({
        allow: [`CONNECT ${NAME}:${upstream.port}`],
        settings: `sni: ${sni}, allowAddresses: [127.0.0.1/32], limits: {tunnels: 4}`,
      })
      for (let count = 0; count < 20; count++) {
        using client = stack.connect(`${NAME}:${upstream.port}`)
        if (count % 2 === 0) await client.hears('HTTP/1.1')
        client.socket.destroy()
      }
      await eventually('all to be closed', () => stack.sidecar.routes[0]?.counters.connectionsOpen === 0)
      await eventually('their upstreams too', () =>
        upstream.sockets.every(({ readableEnded }) => readableEnded),
      )
      using last = stack.connect(`${NAME}:${upstream.port}`)
      await last.hears('HTTP/1.1 200')
    })
})

describe('a host that cannot be reached', () => {
  const statusOf = async (stack: ConnectStack, authority: string) => {
    using client = stack.connect(authority)
    const response = await client.toItsEnd()
    return [Number(/^HTTP\/1\.1 (\d+)/.exec(response)?.[1]), /"code":"(\w+)"/.exec(response)?.[1]]
  }

  it('is 502 host_unknown when its name does not resolve', async () => {
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:443`], names: {} })
    assert.deepEqual(await statusOf(stack, `${NAME}:443`), [502, 'host_unknown'])
    assert.deepEqual([stack.failed(), stack.denied()], [{ host_unknown: 1 }, {}])
  })

  it('is 503 connection_refused when nobody listens there', async () => {
    await using upstream = await remote('127.0.0.1')
    const { port } = upstream
    await upstream[Symbol.asyncDispose]()
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${port}`],
      settings: 'allowAddresses: [127.0.0.1/32, 127.0.0.9/32]',
      names: { [NAME]: ['127.0.0.1', '127.0.0.9'] },
    })
    assert.deepEqual(await statusOf(stack, `${NAME}:${port}`), [503, 'connection_refused'])
  })
})

describe('the limits of a route of kind connect', () => {
  it('are tunnels: one more is overloaded, until one ends', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${upstream.port}`, 'CONNECT nobody.example:443'],
      settings: 'allowAddresses: [127.0.0.1/32], limits: {tunnels: 1}',
    })
    const authority = `${NAME}:${upstream.port}`
    for (const host of ['nobody.example:443', 'denied.example:443']) {
      using refused = stack.connect(host)
      await refused.toItsEnd()
    }
    {
      using first = stack.connect(authority, { early: HELLO })
      await first.hears('200')
      using second = stack.connect(authority, { early: HELLO })
      assert.match(await second.toItsEnd(), /^HTTP\/1\.1 503 .*"code":"overloaded"/s)
    }
    await eventually('the place to be free', async () => {
      using third = stack.connect(authority, { early: HELLO })
      return (await third.hears('\r\n\r\n')).received.startsWith('HTTP/1.1 200')
    })
  })

  it('are connections, of which one without a CONNECT is closed in time', async () => {
    const time = new HeldClock()
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:443`],
      settings: 'limits: {connections: 1}, timeouts: {head: 300ms}',
      clock: time.clock,
    })
    using first = new Conversation(stack.directory.at('proxy.sock'))
    await eventually('the first to be counted', () => stack.sidecar.routes[0]?.counters.connectionsOpen === 1)
    using second = stack.connect(`${NAME}:443`)
    assert.match(await second.toItsEnd(), /^HTTP\/1\.1 503 .*"code":"overloaded"/s)
    time.go()
    assert.equal(await first.toItsEnd(), '')
    assert.deepEqual(stack.failed(), { overloaded: 1 })
  })
})

describe('a route of kind connect that ends', () => {
  it('lets tunnels go on while bytes move, and ends quiet ones and idle connections', async () => {
    await using upstream = await remote('127.0.0.1')
    const stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: HELLO })
    await tunnel.hears('\x16\x03')
    using idle = new Conversation(stack.directory.at('proxy.sock'))
    await eventually('both to be counted', () => stack.sidecar.routes[0]?.counters.connectionsOpen === 2)
    const disposed = stack[Symbol.asyncDispose]()
    for (const text of ['one', 'two', 'three']) await tunnel.send(text).hears(text)
    await disposed
    await Promise.all([tunnel.toItsEnd(), idle.toItsEnd()])
    assert.equal(tunnel.ending, 'end')
    assert.deepEqual(stack.failed(), {})
  })

  it('resets what is still busy when the time to drain is over', async () => {
    await using upstream = await remote('127.0.0.1', {
      onConnection: (socket) => {
        const timer = setInterval(() => socket.write('tick'), 20)
        socket.once('close', () => clearInterval(timer))
      },
    })
    const stack = await connectStack({
      allow: [`CONNECT ${NAME}:${upstream.port}`],
      more: 'drain: 1500ms,',
    })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`, { early: HELLO })
    await tunnel.hears('tick')
    await stack[Symbol.asyncDispose]()
    await tunnel.toItsEnd()
    assert.deepEqual(stack.failed(), { draining: 1 })
  })
})

describe('the operations port', () => {
  it('shows the route, its reasons and its rules, and is ready without an upstream', async () => {
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:443`, 'CONNECT *.example.org:8443', 'CONNECT [2606:2800::1]:443'],
      more: 'ops: "tcp://127.0.0.1:0",',
    })
    using client = stack.connect('other.example:443')
    await client.toItsEnd()
    const page = async (path: string) =>
      await (await fetch(`http://127.0.0.1:${opsPortOf(stack.sidecar)}${path}`)).text()
    const metrics = await page('/metrics')
    assert.match(metrics, /^sidecar_egress_denied_total\{route="out",reason="name_not_allowed"\} 1$/m)
    assert.match(metrics, /^sidecar_egress_denied_total\{route="out",reason="sni_other"\} 0$/m)
    assert.match(metrics, /^sidecar_requests_refused_total\{route="out",code="egress_denied"\} 1$/m)
    assert.match(metrics, /^sidecar_requests_refused_total\{route="out",code="sni_mismatch"\} 0$/m)
    assert.doesNotMatch(metrics, /^sidecar_upstream_up\{/m)
    const [route] = JSON.parse(await page('/routes')).routes
    assert.deepEqual(
      [route.kind, route.upstream, route.state, route.sni, route.allow, route.allowAddresses],
      [
        'connect',
        null,
        'up',
        'required',
        [`CONNECT ${NAME}:443`, 'CONNECT *.example.org:8443', 'CONNECT [2606:2800::1]:443'],
        ['127.0.0.1/32'],
      ],
    )
    assert.deepEqual(JSON.parse(await page('/-/ready')), { ready: true, down: [] })
    assert.match(await page('/'), /3 hosts: CONNECT api\.example\.org:443/)
  })
})

describe('a CONNECT over TCP', () => {
  it('is served like one on a Unix socket, and a mismatch resets it', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({
      allow: [`CONNECT a:1`],
      routes: () =>
        `, {name: tcp, kind: connect, listen: "tcp://127.0.0.1:0", allow: ["CONNECT ${NAME}:${upstream.port}"], allowAddresses: [127.0.0.1/32]}`,
    })
    using client = new Conversation(tcpConnect(portOf(stack.sidecar, 'tcp'), '127.0.0.1'))
    client.send(`CONNECT ${NAME}:${upstream.port} HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`)
    await client.hears('\r\n\r\n')
    client.send('not TLS')
    await client.toItsEnd()
    assert.equal(client.ending, 'ECONNRESET')
    assert.equal(upstream.received(), '')
  })
})
