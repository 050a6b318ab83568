import { Failure } from '@uds-sidecar/shared/failure/failure'
import { request } from '@uds-sidecar/shared/http/request'
import type { Access } from '../access/access.ts'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { parseExposition } from '../exposition/parse-exposition.ts'
import { expectOk } from '../http/request-json.ts'
import { type Palette, table } from '../output/text.ts'
import { type Scrape, scrapeOf, type Traffic, trafficBetween } from './traffic.ts'

const TIMEOUT_MS = 1_000

/** What the sidecar says about its routes since the last look. */
export interface TrafficNews {
  /** `up`, or why its operations port does not say it. */
  readonly state: string
  /** Null: there is nothing to compare with yet. */
  readonly routes: readonly Traffic[] | null
  /** Failures since the watch began, by route and code. */
  readonly failures: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** Scrapes the sidecar, and follows what goes through its routes. While the sidecar is away, it says so. */
export class TrafficWatch {
  readonly #config: Pick<ClientConfig, 'ops'>
  readonly #access: Access
  #last: { readonly scrape: Scrape; readonly atMs: number } | null = null
  readonly #failures = new Map<string, Record<string, number>>()

  constructor(config: Pick<ClientConfig, 'ops'>, access: Access) {
    this.#config = config
    this.#access = access
  }

  async look(): Promise<TrafficNews> {
    const scrape = await this.#scrape()
    if (typeof scrape === 'string')
      return { state: scrape, routes: null, failures: Object.fromEntries(this.#failures) }
    const atMs = performance.now()
    const last = this.#last
    this.#last = { scrape, atMs }
    const routes = last && trafficBetween(last.scrape, scrape, Math.max(atMs - last.atMs, 1) / 1_000)
    for (const { route, failures } of routes ?? []) this.#add(route, failures)
    return { state: 'up', routes, failures: Object.fromEntries(this.#failures) }
  }

  #add(route: string, failures: Traffic['failures']): void {
    const sum = this.#failures.get(route) ?? {}
    for (const [code, count] of Object.entries(failures)) sum[code] = (sum[code] ?? 0) + count
    this.#failures.set(route, sum)
  }

  /** @returns the code of a failure in the place of a scrape */
  async #scrape(): Promise<Scrape | string> {
    const { ops } = this.#config
    try {
      const options = { ...this.#access(ops), path: '/metrics', timeoutMs: TIMEOUT_MS }
      return scrapeOf(parseExposition(expectOk(ops, '/metrics', await request(ops, options)).body))
    } catch (error) {
      if (error instanceof SyntaxError) return 'upstream_malformed'
      if (error instanceof Failure || error instanceof CliError) return error.code
      throw error
    }
  }
}

const HEADINGS = [
  'route',
  'state',
  'generation',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'open',
  'new/s',
  'failures so far',
]

/** The routes in one table; empty while there is nothing to compare. */
export function trafficTable(
  { state, routes, failures }: TrafficNews,
  { good, bad, faint, strong }: Palette,
): string {
  if (state !== 'up')
    return `${strong('routes')} ${bad(state)}: the operations port of the sidecar does not say more`
  if (routes === null || routes.length === 0) return ''
  const rows = routes.map((one) => {
    const isFailing = Object.keys(one.failures).length > 0
    const counts = listed(failures[one.route] ?? {})
    return [
      strong(one.route),
      one.state === null ? '-' : one.state === 'up' ? good('up') : bad(one.state),
      shown(one.generation, 0),
      shown(one.requestsPerSecond, 1),
      shown(one.p50Ms, 2),
      shown(one.p99Ms, 2),
      `${one.connections}`,
      shown(one.connectionsPerSecond, 1),
      isFailing ? bad(counts) : counts,
    ]
  })
  return table([HEADINGS.map(faint), ...rows])
}

/** A line for each route with traffic in this interval, for a log. */
export function trafficLines(
  { state, routes }: TrafficNews,
  time: string,
  { bad, faint, strong }: Palette,
): string[] {
  if (state !== 'up') return []
  const busy = (routes ?? []).filter(isBusy)
  return busy.map((one) => {
    const failed = listed(one.failures)
    const parts = [
      one.requestsPerSecond === null ? '' : `${shown(one.requestsPerSecond, 1)} requests/s`,
      one.p99Ms === null ? '' : `p50 ${shown(one.p50Ms, 2)} ms, p99 ${shown(one.p99Ms, 2)} ms`,
      `${one.connections} open`,
      failed === '-' ? '' : bad(`failures ${failed}`),
    ]
    return `${faint(time)} route ${strong(one.route)} ${parts.filter((part) => part !== '').join(', ')}`
  })
}

function isBusy({ requestsPerSecond, connectionsPerSecond, failures }: Traffic): boolean {
  return (requestsPerSecond ?? 0) > 0 || connectionsPerSecond > 0 || Object.keys(failures).length > 0
}

/** One object for each interval; none before the first has passed. */
export function trafficObjects({ state, routes }: TrafficNews, time: string): object[] {
  return state === 'up' && routes === null ? [] : [{ time, event: 'traffic', state, routes: routes ?? [] }]
}

function shown(value: number | null, places: number): string {
  return value === null ? '-' : value.toFixed(places)
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).map(([code, count]) => `${code} ${count}`)
  return entries.length === 0 ? '-' : entries.join(', ')
}
