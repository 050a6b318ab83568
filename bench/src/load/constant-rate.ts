import { LOAD_CPU } from '../process/pin.ts'
import { runToEnd } from '../process/run-to-end.ts'
import type { Seen } from './wrk.ts'

export interface ConstantRate {
  readonly port: number
  readonly path: string
  readonly bytes: number
  readonly connections: number
  readonly ratePerSecond: number
  readonly seconds: number
}

/** Sends at fixed moments whatever the answers do; a request's time counts from when it was due (floor/constant-rate.c). */
export async function constantRate(load: ConstantRate): Promise<Seen> {
  const { port, path, bytes, connections, ratePerSecond, seconds } = load
  const numbers = [port, bytes, connections, ratePerSecond, seconds].map(String)
  return JSON.parse(await runToEnd(['constant-rate', path, ...numbers], LOAD_CPU)) as Seen
}
