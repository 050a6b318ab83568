import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { before, describe, it } from 'node:test'
import { Authority } from '@uds-sidecar/shared/testing/authority'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { WebSocket, WebSocketServer } from 'ws'
import { portOf, sidecarWith } from '../testing/sidecar-with.ts'

let ca: Authority
let tls: string
before(async () => {
  ca = await Authority.create()
  const { certFile, keyFile } = await ca.issue({})
  tls = `, tls: {certificate: ${certFile}, key: ${keyFile}}`
  return () => ca[Symbol.asyncDispose]()
})

const LISTENERS = ['TCP', 'TLS', 'a Unix socket'] as const

interface Options {
  readonly listener?: (typeof LISTENERS)[number]
  readonly settings?: string
  readonly drain?: string
}

/** A server of `ws` on a Unix socket, which sends each message back, and a sidecar in front of it. */
async function stackWith({ listener = 'TCP', settings = '', drain = '500ms' }: Options = {}) {
  const run = await tempDirectory()
  const server = createServer((_, response) => response.end('plain'))
  const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 1_024 } })
  sockets.on('connection', (socket) =>
    socket
      .on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
      .on('error', () => socket.terminate()),
  )
  server.listen(run.at('u'))
  await once(server, 'listening')
  const listen =
    listener === 'a Unix socket'
      ? `listen: "unix:${run.at('l')}"`
      : `listen: "tcp://127.0.0.1:0"${listener === 'TLS' ? tls : ''}`
  const sidecar = await sidecarWith(
    `{drain: ${drain}, routes: [{name: web, kind: http, ${listen}, upstream: "unix:${run.at('u')}", allow: [GET /ws upgrade websocket, GET /plain] ${settings}}]}`,
  )
  const url =
    listener === 'a Unix socket'
      ? `ws+unix:${run.at('l')}:/ws`
      : `${listener === 'TLS' ? 'wss' : 'ws'}://localhost:${portOf(sidecar)}/ws`
  const clients: WebSocket[] = []
  const connect = (options = {}) => {
    const client = new WebSocket(url, { ca: ca.cert, family: 4, ...options })
    client.on('error', () => undefined)
    clients.push(client)
    return client
  }
  const counters = sidecar.routes[0]?.counters
  assert.ok(counters)
  return {
    sidecar,
    sockets,
    counters,
    connect,
    async open(options = {}) {
      const client = connect(options)
      await once(client, 'open')
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.terminate()
      for (const socket of sockets.clients) socket.terminate()
      await sidecar[Symbol.asyncDispose]()
      server.close()
      server.closeAllConnections()
      await run[Symbol.asyncDispose]()
    },
  }
}

async function echo(client: WebSocket, message: string | Buffer): Promise<Buffer> {
  const [[data]] = await Promise.all([once(client, 'message'), client.send(message)])
  return data
}

for (const listener of LISTENERS)
  describe(`WebSockets of ws through ${listener}`, () => {
    it('carry large messages, compressed and not, both ways', async () => {
      await using stack = await stackWith({ listener })
      const large = Buffer.alloc(8_000_000, 'some text that can be compressed ')
      const noise = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => (at * 31 + (at >> 7)) & 0xff))
      for (const perMessageDeflate of [true, false]) {
        const client = await stack.open({ perMessageDeflate })
        assert.equal(client.extensions, perMessageDeflate ? 'permessage-deflate' : '')
        assert.ok(large.equals(await echo(client, large)))
        assert.ok(noise.equals(await echo(client, noise)))
      }
    })

    it('carry messages in fragments, with a ping between two of them', async () => {
      await using stack = await stackWith({ listener })
      const client = await stack.open()
      const pong = once(client, 'pong')
      const message = once(client, 'message')
      client.send('one ', { fin: false })
      client.ping('between')
      client.send('two ', { fin: false })
      client.send('three', { fin: true })
      assert.equal(String((await pong)[0]), 'between')
      assert.equal(String((await message)[0]), 'one two three')
    })

    it('carry the pings of both sides', async () => {
      await using stack = await stackWith({ listener })
      const client = await stack.open()
      const [server] = stack.sockets.clients
      assert.ok(server)
      const [data] = await Promise.all([once(server, 'pong'), once(client, 'ping'), server.ping('here')])
      assert.equal(String(data[0]), 'here')
      client.ping()
      await once(client, 'pong')
    })

    it('carry the code and the reason of a close, of either side', async () => {
      await using stack = await stackWith({ listener })
      for (const [code, reason] of [
        [1_000, ''],
        [1_001, 'going away'],
        [3_000, 'é'.repeat(61)],
        [4_999, 'mine'],
      ] as const) {
        const client = await stack.open()
        const [server] = stack.sockets.clients
        assert.ok(server)
        const seen = Promise.all([once(server, 'close'), once(client, 'close')])
        client.close(code, reason)
        assert.deepEqual((await seen)[0].map(String), [`${code}`, reason])
        const other = await stack.open()
        const second = [...stack.sockets.clients].at(-1) // the first may not have left yet
        const closed = once(other, 'close')
        second?.close(code, reason)
        assert.deepEqual((await closed).map(String), [`${code}`, reason])
        await eventually('the tunnels to end', () => stack.counters.tunnelsOpen.upgrade === 0)
        await eventually('the server to be closed', () => stack.sockets.clients.size === 0)
      }
      assert.equal(stack.counters.failures.get('client_timeout'), 0)
    })

    it('end with 1006 on the other side when one side is gone', async () => {
      await using stack = await stackWith({ listener })
      const client = await stack.open()
      const [server] = stack.sockets.clients
      assert.ok(server)
      const seen = once(server, 'close')
      client.terminate()
      assert.equal((await seen)[0], 1_006)
      const other = await stack.open()
      const closed = once(other, 'close')
      for (const socket of stack.sockets.clients) socket.terminate()
      assert.equal((await closed)[0], 1_006)
      await eventually('the tunnels to end', () => stack.counters.tunnelsOpen.upgrade === 0)
    })
  })

/** A thousand deflate streams would cost more than all the rest of the test. */
const PLAIN = { perMessageDeflate: false }

describe('many WebSockets of ws', () => {
  it('are 1,000 at a time with limits.tunnels: 1000; one more is 503, and plain requests go on', async () => {
    await using stack = await stackWith({ settings: ', limits: {tunnels: 1000, upstreamConnections: 1}' })
    const clients: WebSocket[] = []
    for (let i = 0; i < 20; i++)
      clients.push(...(await Promise.all(Array.from({ length: 50 }, () => stack.open(PLAIN)))))
    assert.equal(stack.counters.tunnelsOpen.upgrade, 1_000)
    const [error] = await once(stack.connect(PLAIN), 'error')
    assert.match(String(error), /503/)
    assert.equal(await (await fetch(`http://127.0.0.1:${portOf(stack.sidecar)}/plain`)).text(), 'plain')
    assert.equal(stack.counters.failures.get('overloaded'), 1)
    const echoes = await Promise.all(clients.map((client, index) => echo(client, `${index}`)))
    assert.ok(echoes.every((data, index) => String(data) === `${index}`))
    clients[0]?.close()
    await eventually('a place to be free', () => stack.counters.tunnelsOpen.upgrade === 999)
    assert.equal(String(await echo(await stack.open(PLAIN), 'again')), 'again')
  })
})

describe('a drain with WebSockets of ws', () => {
  it('lets the server close them: clients see its code', async () => {
    await using stack = await stackWith({ drain: '30s' })
    const client = await stack.open()
    const closed = once(client, 'close')
    const drained = stack.sidecar[Symbol.asyncDispose]()
    for (const socket of stack.sockets.clients) socket.close(1_012, 'restart')
    assert.deepEqual((await closed).map(String), ['1012', 'restart'])
    await drained
    assert.equal(stack.counters.failures.get('draining'), 0)
  })

  it('carries messages until its time is over, and then cuts them', async () => {
    await using stack = await stackWith({ drain: '300ms' })
    const client = await stack.open()
    const closed = once(client, 'close')
    let isOver = false
    const drained = stack.sidecar[Symbol.asyncDispose]().then(() => {
      isOver = true
    })
    assert.equal(String(await echo(client, 'during the drain')), 'during the drain')
    client.on('message', (data) => !isOver && client.readyState === client.OPEN && client.send(data))
    client.send('again and again')
    assert.equal((await closed)[0], 1_006)
    await drained
    assert.equal(stack.counters.failures.get('draining'), 1)
  })
})
