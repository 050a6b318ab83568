import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { median, percentile, spreadOf } from '@uds-sidecar/client/statistics'
import { type Candidate, sidecar, withRoute } from '../candidates.ts'
import { start } from '../ground.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const STREAMS = [1, 100] as const
const EVENTS = 500
const EVERY_MS = 10
const PORT = 10_110
const REQUEST = 'GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n'
const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n'

export interface LongStreams {
  /** Open at a time, all of them with the same events. */
  readonly streams: number
  /** From the write of the upstream to the first byte of the event, without a sidecar. */
  readonly directP50Us: number
  readonly directP99Us: number
  /** The same event through the sidecar, later by so much. */
  readonly behindP50Us: number
  readonly behindP99Us: number
}

const withLong: Candidate = {
  ...sidecar,
  program: (where) => withRoute(where, { kind: 'http', allow: ['GET /events long'] }),
}

/** How much later the first byte of a server-sent event comes through the sidecar than from the upstream itself. */
export async function longStreams({ rounds }: Settings): Promise<LongStreams[]> {
  const all: LongStreams[] = []
  for (let round = 0; round < rounds; round++) for (const streams of STREAMS) all.push(await measure(streams))
  return all
}

async function measure(streams: number): Promise<LongStreams> {
  await using upstream = await eventServer()
  await using running = await start(withLong, upstream.ground, PORT)
  const address = { host: '127.0.0.1', port: running.port }
  using direct = await follow({ path: upstream.ground.socket })
  using through = await follow(address)
  using others = new DisposableStack()
  for (let i = 1; i < streams; i++) others.use(await follow(address))
  const sentMs: number[] = []
  for (let i = 0; i < EVENTS; i++) {
    sentMs.push(performance.now())
    upstream.send(i)
    await pause(EVERY_MS)
  }
  while (through.arrivedMs.size < EVENTS || direct.arrivedMs.size < EVENTS) await pause(EVERY_MS)
  const directUs = sentMs.map((ms, i) => ((direct.arrivedMs.get(i) ?? Number.NaN) - ms) * 1_000)
  const behindUs = sentMs.map(
    (ms, i) => ((through.arrivedMs.get(i) ?? Number.NaN) - ms) * 1_000 - (directUs[i] ?? 0),
  )
  return {
    streams,
    directP50Us: median(directUs),
    directP99Us: percentile(directUs, 99),
    behindP50Us: median(behindUs),
    behindP99Us: percentile(behindUs, 99),
  }
}

/** An upstream on a Unix socket that sends each event to everybody who asks for it. */
async function eventServer() {
  const directory = '/run/bench'
  mkdirSync(directory, { recursive: true })
  const ground = {
    directory,
    socket: join(directory, 'events.sock'),
    port: 0,
    async [Symbol.asyncDispose]() {},
  }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket))
    socket.once('data', () => {
      socket.write(HEAD)
      sockets.add(socket)
    })
  })
  server.listen(ground.socket)
  await once(server, 'listening')
  return {
    ground,
    send(event: number) {
      const data = `data: ${event}\n\n`
      for (const socket of sockets) socket.write(`${data.length.toString(16)}\r\n${data}\r\n`)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Asks for the events, and notes when the first byte of each came. */
async function follow(to: NetConnectOpts) {
  const arrivedMs = new Map<number, number>()
  const socket = connect(to)
  socket.write(REQUEST)
  await once(socket, 'data') // the head
  socket.on('data', (bytes) => {
    const now = performance.now()
    for (const [, event] of `${bytes}`.matchAll(/data: (\d+)\n/g)) arrivedMs.set(Number(event), now)
  })
  return { arrivedMs, [Symbol.dispose]: () => socket.destroy() }
}

export function longStreamsSection(): Section | null {
  const rows = resultOf<LongStreams[]>('long-streams')?.result
  if (rows === undefined) return null
  const columns = ['directP50Us', 'directP99Us', 'behindP50Us', 'behindP99Us'] as const
  const groups = Map.groupBy(rows, ({ streams }) => streams)
  const cells = [...groups].map(([streams, all]) => [
    `${streams}`,
    ...columns.map((key) => showSpread(spreadOf(all.map((one) => one[key])))),
  ])
  const head = ['open streams', 'direct p50 µs', 'direct p99 µs', 'behind p50 µs', 'behind p99 µs']
  const how = `A route with \`long\` for server-sent events: ${EVENTS} events, one every ${EVERY_MS} ms on each stream. *Direct*: from the write of the upstream to the first byte of the event at a client of its socket. *Behind*: how much later the same event is at a client of the sidecar. Upstream and clients are one process, so with 100 streams it is busy with its own writes for a part of that time.`
  return section('Long streams', [how, markdownTable(head, cells)])
}

/** In milliseconds; NaN: not measured. */
export function longestBehindMs(): number {
  const rows = resultOf<LongStreams[]>('long-streams')?.result ?? []
  const of = (streams: number) =>
    median(rows.filter((one) => one.streams === streams).map(({ behindP99Us }) => behindP99Us / 1_000))
  return Math.max(...STREAMS.map(of))
}
