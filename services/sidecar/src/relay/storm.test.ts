import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Random } from '../testing/fuzz/random.ts'
import { GET, type HttpStack, httpStack } from '../testing/http-stack.ts'
import type { Dialogue } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

const CLIENTS = 1_000
const STORM_MS = 3_000
/** How much longer a storm may last on a busy machine, until the first good response. */
const PATIENCE_MS = 60_000
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)
const random = new Random(SEED)

const REQUESTS = [
  GET,
  GET,
  GET.repeat(3),
  GET.slice(0, 20),
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nhalf',
  'garbage\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  GET.replace('GET', 'HEAD'),
]

/** Responds to most requests: to some late, to some with a large body; others it disconnects or ignores. */
async function capricious(dialogue: Dialogue): Promise<void> {
  if (!/\r\n\r\n$/.test(dialogue.received)) return
  const isHead = dialogue.received.startsWith('HEAD')
  dialogue.received = ''
  if (random.chance(3)) await pause(random.below(20))
  const length = random.pick([2, 2, 2_000, 200_000])
  if (random.chance(20)) dialogue.socket.destroy()
  else if (!random.chance(50))
    dialogue.socket.write(
      `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${isHead ? '' : 'x'.repeat(length)}`,
    )
}

/** Connects one client after the other until the storm is over. Each leaves at a random moment in a random way. */
async function client(port: number, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () =>
      socket.destroy(),
    )
    socket.write(random.pick(REQUESTS))
    if (random.chance(2)) socket.resume()
    await pause(random.below(200))
    leave(socket)
  }
}

function leave(socket: Socket): void {
  if (random.chance(3)) socket.end(() => socket.destroySoon())
  else if (random.chance(2)) socket.resetAndDestroy()
  socket.destroy()
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const descriptors = async () => (await readdir('/proc/self/fd')).length

async function storm(stack: HttpStack): Promise<void> {
  const end = performance.now() + STORM_MS
  const goesOn = () => {
    const sinceEndMs = performance.now() - end
    return sinceEndMs < 0 || (stack.responses(200) === 0 && sinceEndMs < PATIENCE_MS)
  }
  await Promise.all(Array.from({ length: CLIENTS }, () => client(portOf(stack.sidecar), goesOn)))
  const open = () => stack.sidecar.routes[0]?.counters.connectionsOpen
  await eventually('all connections to be closed', () => open() === 0)
}

it(`${CLIENTS} clients that come and go at random leave no descriptor and no memory behind (FUZZ_SEED=${SEED})`, async () => {
  const settings =
    'timeouts: {head: 500ms, body: 500ms, idle: 500ms, responseHead: 500ms, upstreamIdle: 100ms}, limits: {connectionsPerAddress: 4096}'
  await using stack = await httpStack(capricious, settings)
  await storm(stack)
  await eventually('the upstream connections to be closed', () =>
    stack.connections.every(({ readableEnded, destroyed }) => readableEnded || destroyed),
  )
  for (const socket of stack.server.sockets) socket.destroy()
  const before = { descriptors: await descriptors(), heap: heapAfterCollection() }
  await storm(stack)
  await eventually('the upstream connections to be closed', () =>
    stack.connections.every(({ readableEnded, destroyed }) => readableEnded || destroyed),
  )
  for (const socket of stack.server.sockets) socket.destroy()
  await eventually(
    'the descriptors to be as many as before',
    async () => (await descriptors()) <= before.descriptors,
  )
  const grownBytes = heapAfterCollection() - before.heap
  assert.ok(stack.responses(200) > 0, 'no client got a good response')
  assert.ok(grownBytes < 16 * 1_048_576, `${grownBytes} bytes more than after the first storm`)
  await stack.open().send(GET).hears('HTTP/1.1 ')
})
