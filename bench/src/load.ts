import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pathOf, type Running } from './ground.ts'
import { LOAD_CPU, runToEnd } from './processes.ts'

export interface LoadShape {
  /** Size of the response body. */
  readonly bytes: number
  readonly connections: number
  /** One request per connection. */
  readonly close: boolean
  /** Null: a closed loop. */
  readonly ratePerSecond: number | null
}

/** What a load generator measured. */
interface Seen {
  readonly requests: number
  readonly seconds: number
  readonly p50Us: number
  readonly p99Us: number
  /** Responses with a wrong status or length, and connections that broke. */
  readonly failures: number
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

/** Puts a load on one candidate while the others are idle. */
export async function measureRound(running: Running, load: LoadShape, seconds: number): Promise<Round> {
  const before = running.usage().cpuUs
  const [seen, rssBytes] = await Promise.all([
    generate(running.port, load, seconds),
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

async function generate(port: number, load: LoadShape, seconds: number): Promise<Seen> {
  return load.ratePerSecond === null
    ? await closedLoop(port, load, seconds)
    : await constantRate(port, load, load.ratePerSecond, seconds)
}

const WRK_SCRIPT = fileURLToPath(new URL('checked.lua', import.meta.url))

/** Each connection sends its next request as soon as it has the response, from one thread of wrk. */
async function closedLoop(
  port: number,
  { bytes, connections, close }: LoadShape,
  seconds: number,
): Promise<Seen> {
  const url = `http://127.0.0.1:${port}${pathOf(bytes)}`
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', WRK_SCRIPT, url]
  const output = await runToEnd(['wrk', ...load, '--', `${bytes}`, close ? 'close' : 'keep-alive'], LOAD_CPU)
  return JSON.parse(output.slice(output.lastIndexOf('\n{'))) as Seen
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
