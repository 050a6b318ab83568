import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { WebSocket, WebSocketServer } from 'ws'
import { httpStack } from '../testing/http-stack.ts'
import type { OnReceived } from '../testing/raw-server.ts'
import { portOf, sidecarWith } from '../testing/sidecar-with.ts'

/** A server of `ws` on a Unix socket, which echoes, and a sidecar in front of it. */
async function webSocketStack() {
  const run = await tempDirectory()
  const server = createServer((_, response) => response.end('plain'))
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: true,
    handleProtocols: (names) => [...names][0] ?? false,
  })
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  )
  server.listen(run.at('u'))
  await once(server, 'listening')
  const sidecar = await sidecarWith(
    `{drain: 500ms, routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${run.at('u')}", allow: [GET /ws upgrade websocket, GET /plain]}]}`,
  )
  return {
    sidecar,
    sockets,
    url: `ws://127.0.0.1:${portOf(sidecar)}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      await sidecar[Symbol.asyncDispose]()
      server.close()
      server.closeAllConnections()
      await run[Symbol.asyncDispose]()
    },
  }
}

describe('a WebSocket client and server of ws', () => {
  it('exchange text and binary messages, compressed and large, and close with a code', async () => {
    await using stack = await webSocketStack()
    const client = new WebSocket(`${stack.url}/ws`, ['chat', 'other'])
    await once(client, 'open')
    assert.equal(client.protocol, 'chat')
    assert.match(client.extensions, /permessage-deflate/)
    for (const message of ['hello', 'x'.repeat(300_000)]) {
      client.send(message)
      const [data] = await once(client, 'message')
      assert.equal(String(data), message)
    }
    client.send(Buffer.alloc(100_000, 7))
    const [data, isBinary] = await once(client, 'message')
    assert.ok(isBinary && Buffer.alloc(100_000, 7).equals(data))
    client.close(4_000, 'done')
    const [code] = await once(client, 'close')
    assert.equal(code, 4_000)
    await eventually('the server to be closed', () => stack.sockets.clients.size === 0)
    const counters = stack.sidecar.routes[0]?.counters
    await eventually('the tunnel to be closed', () => counters?.tunnelsOpen.upgrade === 0)
  })

  it('may be closed by the server', async () => {
    await using stack = await webSocketStack()
    const client = new WebSocket(`${stack.url}/ws`)
    await once(client, 'open')
    for (const socket of stack.sockets.clients) socket.close(1_001)
    const [code] = await once(client, 'close')
    assert.equal(code, 1_001)
  })

  it('do not meet on another path, and plain requests go on', async () => {
    await using stack = await webSocketStack()
    const client = new WebSocket(`${stack.url}/plain`)
    const [error] = await once(client, 'error')
    assert.match(String(error), /501/)
    const response = await fetch(`${stack.url.replace('ws', 'http')}/plain`)
    assert.equal(await response.text(), 'plain')
  })
})

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
/** Of `KEY`, in RFC 6455 section 1.3. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

function request(fields = `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Protocol: chat\r\n`): string {
  return `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n${fields}\r\n`
}

function switching(fields: string): OnReceived {
  return ({ socket, received }) => {
    if (received.endsWith('\r\n\r\n'))
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`,
      )
  }
}

describe('the handshake of a WebSocket', () => {
  const ALLOW = 'allow: [GET /ws upgrade websocket]'

  it('is passed on when it belongs to the request', async () => {
    await using stack = await httpStack(switching(`Sec-WebSocket-Accept: ${ACCEPT}\r\n`), ALLOW)
    await stack.open().send(request()).hears(`Sec-WebSocket-Accept: ${ACCEPT}\r\n`)
  })

  for (const [what, fields] of [
    ['has no Sec-WebSocket-Accept', ''],
    ['has that of another key', `Sec-WebSocket-Accept: ${ACCEPT.replace('s3', 's4')}\r\n`],
    ['has it twice', `Sec-WebSocket-Accept: ${ACCEPT}\r\n`.repeat(2)],
    ['has another subprotocol', `Sec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Protocol: other\r\n`],
    [
      'has an extension',
      `Sec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n`,
    ],
  ] as const)
    it(`is 502 upstream_malformed when it ${what}`, async () => {
      await using stack = await httpStack(switching(fields), ALLOW)
      assert.match(await stack.open().send(request()).toItsEnd(), /^HTTP\/1.1 502 .*"upstream_malformed"/s)
    })

  for (const [what, fields] of [
    ['has no key', ''],
    ['has two keys', `Sec-WebSocket-Key: ${KEY}\r\n`.repeat(2)],
    ['has a key that is not 16 bytes', 'Sec-WebSocket-Key: abc\r\n'],
  ] as const)
    it(`is 400 bad_request when the request ${what}`, async () => {
      await using stack = await httpStack(switching(''), ALLOW)
      await stack.open().send(request(fields)).hears('"bad_request"')
      assert.equal(stack.connections.length, 0)
    })
})
