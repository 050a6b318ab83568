import { setTimeout as pause } from 'node:timers/promises'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Access } from '../access/access.ts'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { requestJson } from '../http/request-json.ts'
import { type Route, routesSchema } from '../http/schemas.ts'
import { clip, type Output, type Palette, table } from '../output/text.ts'
import { percentile } from '../stats/statistics.ts'
import { type Look, look, socketOf, type Target, targetsOf } from './target.ts'
import { follow, formatDuration, type News, type Track } from './track.ts'

const UP_AND_CLEAR = (lines: number) => `\u001b[${lines}A\u001b[J`

/** A part of a terminal that is redrawn in place. The last drawing stays. */
export class Screen {
  readonly #stdout: Output
  #drawn = 0

  constructor(stdout: Output) {
    this.#stdout = stdout
  }

  draw(text: string): void {
    const { columns = 80, rows = Number.POSITIVE_INFINITY } = this.#stdout
    // What has scrolled out of the screen cannot be redrawn.
    const lines = text
      .split('\n')
      .slice(0, Math.max(1, rows - 1))
      .map((line) => clip(line, columns))
    const clear = this.#drawn === 0 ? '' : UP_AND_CLEAR(this.#drawn)
    this.#stdout.write(`${clear}${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }
}

/** The changes of one target, one line each. */
export function newsLines(
  { name, endpoint, track, news }: Watched,
  time: string,
  colours: Palette,
): string[] {
  const { good, bad, faint, strong } = colours
  const state = track.state === 'up' ? good('up') : bad(track.state)
  return news.map(
    (one) => `${faint(time)} ${strong(name)} ${endpoint} ${state}${describe(one, track.generation)}`,
  )
}

/** The same as JSON: `{time, event, name, endpoint, state, generation, was?, wasForMs?}`. */
export function newsObjects({ name, endpoint, track, news }: Watched, time: string): object[] {
  const { state, generation } = track
  return news.map((one) => ({ time, name, endpoint, state, generation, ...one }))
}

function describe(news: News, generation: number): string {
  if (news.event === 'replaced') return `, another socket (generation ${generation}) without a gap`
  if (news.was === undefined) return ''
  return ` (was ${news.was} for ${formatDuration(news.wasForMs ?? 0)}${generation > 1 ? `, generation ${generation}` : ''})`
}

const HEADINGS = ['', 'state', 'for', 'p50 ms', 'p99 ms', 'generation', 'errors so far', '']

/** Every target in one table. */
export function summary(watched: readonly Watched[], now: number, colours: Palette): string {
  const { good, bad, faint, strong } = colours
  const rows = watched.map(({ name, endpoint, track }) => [
    strong(name),
    track.state === 'up' ? good('up') : bad(track.state),
    formatDuration(now - track.since),
    ...[50, 99].map((percent) => showMs(percentile(track.recentMs, percent))),
    track.generation === 0 ? '-' : String(track.generation),
    errors(track.errors),
    faint(endpoint),
  ])
  return table([HEADINGS.map(faint), ...rows])
}

function showMs(ms: number): string {
  return Number.isNaN(ms) ? '-' : ms.toFixed(2)
}

function errors(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).map(([code, count]) => `${code} ${count}`)
  return entries.length === 0 ? '-' : entries.join(', ')
}

/** One target at one moment. */
export interface Watched {
  readonly name: string
  readonly endpoint: string
  readonly track: Track
  readonly news: readonly News[]
}

interface Pace {
  readonly intervalMs: number
  readonly signal: AbortSignal
}

/** A look may take longer than the interval. The next round then starts late. */
const LOOK_TIMEOUT_MS = 1_000

/** Checks every target once per `intervalMs` and yields all of them, until the signal aborts. */
export async function* watch(
  config: ClientConfig,
  access: Access,
  { intervalMs, signal }: Pace,
): AsyncGenerator<Watched[]> {
  const targets = targetsOf(config, access)
  const tracks = new Map<Target, Track>()
  const left = new AbortController() // whoever leaves early does not wait for the next round
  using _ = { [Symbol.dispose]: () => left.abort() }
  while (!signal.aborted) {
    const tick = pause(intervalMs, undefined, { signal: AbortSignal.any([signal, left.signal]) }).catch(
      () => undefined,
    )
    const looks = await lookAtAll(targets, config, access)
    if (signal.aborted) return
    yield looks.map(([target, seen]) => {
      const { track, news } = follow(tracks.get(target), seen, Date.now())
      tracks.set(target, track)
      return { name: target.name, endpoint: formatEndpoint(target.endpoint), track, news }
    })
    await tick
  }
}

/** Sends requests first and inspects the sockets after that, so that a socket that appears in between is seen. */
async function lookAtAll(
  targets: readonly Target[],
  config: ClientConfig,
  access: Access,
): Promise<[Target, Look][]> {
  const states = await Promise.all(targets.map((target) => look(target, LOOK_TIMEOUT_MS)))
  const routes = await routesOf(config, access)
  const sockets = await Promise.all(targets.map((target) => socketOf(target, routes)))
  return targets.map((target, i) => {
    const { state, ms } = states[i] as Omit<Look, 'socket'>
    return [target, { state, ms, socket: sockets[i] ?? null }]
  })
}

/** Empty if the sidecar does not respond: its own target shows the reason. */
async function routesOf({ ops }: ClientConfig, access: Access): Promise<readonly Route[]> {
  try {
    return await requestJson(ops, routesSchema, {
      ...access(ops),
      path: '/routes',
      timeoutMs: LOOK_TIMEOUT_MS,
    })
  } catch (error) {
    if (error instanceof Failure || error instanceof CliError) return []
    throw error
  }
}
