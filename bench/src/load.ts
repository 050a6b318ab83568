import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pathOf, type Running, UPLOAD } from './ground.ts'
import { LOAD_CPU, runToEnd } from './processes.ts'

export interface LoadShape {
  /** Size of the response body. */
  readonly bytes: number
  readonly connections: number
  /** One request per connection. */
  readonly close: boolean
  /** Null: a closed loop. */
  readonly ratePerSecond: number | null
  /** How connections over TLS begin. `resumed` needs `close`. Not set: no TLS. */
  readonly handshake?: Handshake
  /** POST sends a body of `bytes` and gets a small response. Only for candidates with `outbound`; not set: GET. */
  readonly method?: 'GET' | 'POST'
}

export type Handshake = 'full' | 'resumed'

/** What a load generator measured. */
interface Seen {
  readonly requests: number
  readonly seconds: number
  readonly p50Us: number
  readonly p99Us: number
  /** Responses with a wrong status or length, and connections that broke. */
  readonly failures: number
  /** Connections whose handshake resumed a session. Not set: the generator does not count them. */
  readonly resumed?: number
}

/** One round of one candidate under one load. */
export interface Round extends Seen {
  /** CPU time of all processes of the candidate, user and system. */
  readonly cpuUsPerRequest: number
  /** Memory of all processes of the candidate, in the middle of the round. */
  readonly rssBytes: number
}

/** All rounds of one candidate under one load. */
export interface Figure {
  readonly candidate: string
  readonly load: LoadShape
  readonly rounds: Round[]
}

/** Time for the last process of a forking candidate to end. */
const SETTLE_MS = 20

/** A B C … B C A …: other work on the machine then affects all candidates alike. */
export async function interleaved(
  name: string,
  all: readonly Running[],
  { loads, rounds, seconds }: { loads: readonly LoadShape[]; rounds: number; seconds: number },
): Promise<Figure[]> {
  const figures: Figure[] = loads.flatMap((load) =>
    all.map(({ candidate }) => ({ candidate: candidate.name, load, rounds: [] })),
  )
  for (let round = 0; round < rounds; round++) {
    for (const [i, load] of loads.entries())
      for (let k = 0; k < all.length; k++) {
        const which = (k + round) % all.length
        const running = all[which] as Running
        const measured = await measureRound(running, load, seconds)
        figures[i * all.length + which]?.rounds.push(measured)
      }
    process.stderr.write(`${name}: round ${round + 1} of ${rounds}\n`)
  }
  return figures
}

/** Puts a load on one candidate while the others are idle. */
export async function measureRound(running: Running, load: LoadShape, seconds: number): Promise<Round> {
  await running.prepare?.()
  const before = running.usage().cpuUs
  const [seen, rssBytes] = await Promise.all([
    generate(running, load, seconds),
    residentAfter(running, seconds / 2),
  ])
  await pause(SETTLE_MS)
  if (seen.requests === 0) throw new Error(`${running.candidate.name} sent no response`)
  const cpuUs = running.usage().cpuUs - before
  return { ...seen, cpuUsPerRequest: cpuUs / seen.requests, rssBytes }
}

async function residentAfter(running: Running, seconds: number): Promise<number> {
  await pause(seconds * 1_000)
  return running.usage().rssBytes
}

async function generate(running: Running, load: LoadShape, seconds: number): Promise<Seen> {
  if (running.candidate.outbound !== undefined) return await outbound(running, load, seconds)
  const { port } = running
  if (load.ratePerSecond !== null) return await constantRate(port, load, load.ratePerSecond, seconds)
  if (load.handshake !== undefined && load.close) return await handshakes(port, load, load.handshake, seconds)
  return await closedLoop(port, load, seconds)
}

const WRK_SCRIPT = fileURLToPath(new URL('checked.lua', import.meta.url))
/** The cipher suite and the group that wrk offers: the same for every candidate. */
const OPENSSL_CONF = fileURLToPath(new URL('tls-client.cnf', import.meta.url))

/** Each connection sends its next request as soon as it has the response, from one thread of wrk. */
async function closedLoop(
  port: number,
  { bytes, connections, close, handshake }: LoadShape,
  seconds: number,
): Promise<Seen> {
  const wrk = handshake === undefined ? ['wrk'] : ['env', `OPENSSL_CONF=${OPENSSL_CONF}`, 'wrk']
  const url = `${handshake === undefined ? 'http' : 'https'}://127.0.0.1:${port}${pathOf(bytes)}`
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', WRK_SCRIPT, url]
  const output = await runToEnd([...wrk, ...load, '--', `${bytes}`, close ? 'close' : 'keep-alive'], LOAD_CPU)
  return JSON.parse(output.slice(output.lastIndexOf('\n{'))) as Seen
}

/** As `closedLoop`, over a Unix socket (`bench/floor/outbound.c`). */
async function outbound(
  { candidate, out }: Running,
  { bytes, connections, method = 'GET' }: LoadShape,
  seconds: number,
): Promise<Seen> {
  const numbers = [bytes, connections, seconds].map(String)
  const path = method === 'GET' ? pathOf(bytes) : UPLOAD
  return JSON.parse(
    await runToEnd(['outbound', 'load', `${candidate.outbound}`, out, method, path, ...numbers], LOAD_CPU),
  ) as Seen
}

/** One request per connection (`bench/floor/handshakes.c`). Not with wrk, which resumes its sessions when it reconnects. */
async function handshakes(
  port: number,
  { bytes, connections }: LoadShape,
  handshake: Handshake,
  seconds: number,
): Promise<Seen> {
  const numbers = [port, bytes, connections, seconds].map(String)
  return JSON.parse(await runToEnd(['handshakes', handshake, pathOf(bytes), ...numbers], LOAD_CPU)) as Seen
}

/**
 * Sends at fixed times; the time of a request counts from when it was due (`bench/floor/constant-rate.c`). In C and
 * not the generator of `client bench --rate`: it shares a processor with the upstream and must use little of it.
 */
async function constantRate(
  port: number,
  { bytes, connections }: LoadShape,
  ratePerSecond: number,
  seconds: number,
): Promise<Seen> {
  const numbers = [port, bytes, connections, ratePerSecond, seconds].map(String)
  return JSON.parse(await runToEnd(['constant-rate', pathOf(bytes), ...numbers], LOAD_CPU)) as Seen
}
