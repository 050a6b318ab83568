import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import {
  makePair,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { clientHello } from '../testing/client-hello.ts'
import { Conversation } from '../testing/conversation.ts'
import { GET, type HttpStack, httpStack, OK } from '../testing/http-stack.ts'
import { type OnReceived, play, rawServer, responding } from '../testing/raw-server.ts'
import { sidecarProcess } from '../testing/sidecar-process.ts'
import { HeldClock, portOf } from '../testing/sidecar-with.ts'

const FLOOD = 10_000
const BATCH = 250
const ADDRESSES = 20
const HANDSHAKES = 64
const MiB = 1_048_576

let pair: TestPair
let hello: Buffer
before(async () => {
  pair = await makePair()
  hello = await clientHello()
})

/** A sidecar in its own process, with one HTTP route with TLS. */
async function processStack(behaviour: OnReceived, tlsSettings: string, settings = '') {
  await using stack = new AsyncDisposableStack()
  const secret = stack.use(await secretDirectory(pair))
  const directory = stack.use(await tempDirectory())
  const socketPath = directory.at('u')
  const upstream = stack.use(await rawServer(socketPath, (socket) => play(socket, behaviour)))
  const config = directory.at('sidecar.yaml')
  await writeFile(
    config,
    `{drain: 0s, routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${socketPath}", allow: [GET /*], ${tlsText(secret, tlsSettings)} ${settings}}]}`,
  )
  const sidecar = stack.use(sidecarProcess({ SIDECAR_CONFIG: config }))
  await sidecar.started()
  const port = await sidecar.port('web')
  const pid = sidecar.child.pid
  const kept = stack.move()
  return {
    port,
    upstream,
    isRunning: () => sidecar.child.exitCode === null,
    memoryBytes: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function isServed(port: number): Promise<void> {
  using client = tlsConversation(port, pair)
  await client.send(GET).hears('ok')
}

/** Connects from this address, sends the beginning of a hello, and never goes on. */
async function halfOpen(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => socket.destroy())
  socket.resume().write(hello.subarray(0, 100))
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve())) // it may be displaced at once
  return socket
}

describe(`${FLOOD} half-open handshakes from ${ADDRESSES} addresses`, () => {
  it('have a bounded number of places and bounded memory, and others are served meanwhile', async () => {
    await using stack = await processStack(responding(OK), `handshakeTimeout: 1m, handshakes: ${HANDSHAKES}`)
    for (let i = 0; i < 20; i++) await isServed(stack.port) // what Node compiles and keeps does not count
    const [memory, descriptors] = [stack.memoryBytes(), stack.descriptors()]
    const flood: Socket[] = []
    for (let opened = 0; opened < FLOOD; opened += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, i) =>
        halfOpen(stack.port, `127.0.0.${2 + (i % ADDRESSES)}`),
      )
      flood.push(...(await Promise.all(batch)))
      await isServed(stack.port)
      assert.ok(stack.descriptors() <= descriptors + HANDSHAKES + 2, `${stack.descriptors()} descriptors`)
      const grown = stack.memoryBytes() - memory
      assert.ok(grown < 64 * MiB, `${grown} bytes more after ${opened + BATCH}`)
    }
    await eventually('all but the newest to be reset', () => {
      return flood.filter(({ destroyed }) => !destroyed).length <= HANDSHAKES
    })
    for (const socket of flood) socket.destroy()
    await eventually('their descriptors to be closed', () => stack.descriptors() <= descriptors)
  })
})

describe('40 handshakes that come one byte at a time', () => {
  it('are all reset at their deadline, and others are served meanwhile', async () => {
    await using secret = await secretDirectory(pair)
    const time = new HeldClock()
    await using stack = await httpStack(responding(OK), tlsText(secret, 'handshakeTimeout: 300ms'), time)
    const clients = Array.from({ length: 40 }, () => stack.open())
    let sent = 0
    const dripping = setInterval(() => {
      for (const client of clients) if (client.socket.writable) client.send(hello.subarray(sent, sent + 1))
      sent += 1
    }, 20)
    await isServed(portOf(stack.sidecar))
    time.go()
    await Promise.all(clients.map((client) => client.toItsEnd()))
    clearInterval(dripping)
    assert.ok(clients.every(({ ending }) => ending === 'ECONNRESET'))
    assert.equal(stack.sidecar.routes[0]?.tls?.counters.handshakeFailures.get('timeout'), 40)
    time.hold() // a good handshake has the same time
    await isServed(portOf(stack.sidecar))
  })
})

describe('20 clients that ask for large responses over TLS and stop reading', () => {
  it('cost bounded memory, and others are served meanwhile', async () => {
    const size = 200 * MiB
    await using stack = await processStack((dialogue) => {
      const { received, socket } = dialogue
      if (!received.endsWith('\r\n\r\n')) return
      dialogue.received = ''
      if (!received.includes('GET /large')) socket.write(OK)
      else {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
        const fill = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
        }
        socket.on('drain', fill)
        fill()
      }
    }, 'handshakes: 64')
    await isServed(stack.port)
    const memory = stack.memoryBytes()
    using clients = new DisposableStack()
    for (let i = 0; i < 20; i++) {
      const client = clients.use(tlsConversation(stack.port, pair))
      await client.send('GET /large HTTP/1.1\r\nHost: a\r\n\r\n').hears('200 OK')
      client.socket.pause()
      await isServed(stack.port)
    }
    let before = -1
    await eventually('the upstream to be held up', () => {
      const written = stack.upstream.sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0)
      const isHeld = written === before
      before = written
      return isHeld
    })
    await isServed(stack.port)
    const grown = stack.memoryBytes() - memory
    assert.ok(grown < 96 * MiB, `${grown} bytes more`)
  })
})

describe('a client of TLS that leaves', () => {
  type State = readonly [name: string, reach: (stack: HttpStack) => Promise<{ socket: Socket } & Disposable>]
  const LARGE = `HTTP/1.1 200 OK\r\nContent-Length: ${4 * MiB}\r\n\r\n${'x'.repeat(4 * MiB)}`
  const raw = async (stack: HttpStack, bytes: Buffer) => {
    const client = new Conversation(portOf(stack.sidecar))
    await once(client.socket, 'connect')
    if (bytes.length > 0) client.send(bytes)
    await eventually('it to be accepted', () => stack.sidecar.routes[0]?.limits.taken === 1)
    return client
  }
  const secure = async (stack: HttpStack, request: string) => {
    const client = tlsConversation(portOf(stack.sidecar), pair)
    await client.toItsStart()
    client.send(request)
    return client
  }
  const STATES: readonly State[] = [
    ['before its first byte', (stack) => raw(stack, Buffer.alloc(0))],
    ['after one byte', (stack) => raw(stack, hello.subarray(0, 1))],
    ['in its hello', (stack) => raw(stack, hello.subarray(0, 100))],
    [
      'before its last message',
      async (stack) => {
        const client = await raw(stack, hello)
        await eventually('a ServerHello', () => client.received.length > 100)
        return client
      },
    ],
    ['after the handshake', (stack) => secure(stack, '')],
    ['in its request', (stack) => secure(stack, 'GET /a HTTP/1.1\r\nHost')],
    ['in its body', (stack) => secure(stack, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123')],
    [
      'in the response',
      async (stack) => {
        const client = await secure(stack, GET.replace('/a', '/large'))
        await client.hears('200 OK')
        client.socket.pause()
        return client
      },
    ],
  ]
  const WAYS: Readonly<Record<string, (socket: Socket) => unknown>> = {
    'with an end': (socket) => socket.end().resume(),
    'without a word': (socket) => socket.destroy(),
    'with a reset': (socket) => ('encrypted' in socket ? socket.destroy() : socket.resetAndDestroy()),
  }
  for (const [state, reach] of STATES)
    it(`${state} gives its place back, however it leaves`, async () => {
      await using secret = await secretDirectory(pair)
      await using stack = await httpStack(
        (dialogue) => {
          if (!dialogue.received.includes('\r\n\r\n')) return
          if (!dialogue.received.startsWith('POST'))
            dialogue.socket.write(dialogue.received.includes('/large') ? LARGE : OK)
          dialogue.received = ''
        },
        `${tlsText(secret, 'handshakeTimeout: 1m')}, timeouts: {idle: 1m, head: 1m, body: 1m, responseHead: 1m}`,
      )
      for (const [way, leave] of Object.entries(WAYS)) {
        using client = await reach(stack)
        leave(client.socket)
        await eventually(
          `the place of one who left ${way}`,
          () => stack.sidecar.routes[0]?.limits.taken === 0,
        )
      }
      await isServed(portOf(stack.sidecar))
    })
})

describe('openssl s_client', () => {
  async function sClient(port: number, lines: string[], ...args: string[]) {
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args])
    const output = Promise.all([text(child.stdout), text(child.stderr)])
    child.stdin.on('error', () => undefined).end(lines.join(''))
    return (await output).join('')
  }

  it('is offered no early data, and what it sends as such never reaches the upstream', async () => {
    await using secret = await secretDirectory(pair)
    await using directory = await tempDirectory()
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const port = portOf(stack.sidecar)
    const closing = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
    const session = directory.at('session')
    const first = await sClient(port, [closing], '-tls1_3', '-ign_eof', '-sess_out', session)
    assert.match(first, /Max Early Data: 0\n/)
    await writeFile(directory.at('early'), closing)
    const again = await sClient(
      port,
      [],
      '-tls1_3',
      '-sess_in',
      session,
      '-early_data',
      directory.at('early'),
    )
    assert.match(again, /Early data was not sent/)
    assert.equal(stack.connections.length, 1)
  })
})
