import { formatSize } from '@uds-sidecar/client/bench/settings'
import { median, type Spread, spreadOf } from '@uds-sidecar/client/statistics'
import { CANDIDATES } from '../candidates.ts'
import { BODIES, type Running, start, startGround } from '../ground.ts'
import { type Figure, interleaved, type LoadShape, measureRound, type Round } from '../load.ts'
import { barChart } from '../page/bar-chart.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const FIRST_PORT = 10_001
const SECONDS = 1

/** Every candidate in front of the same upstream, under the same loads, in turn. */
export async function proxies(settings: Settings): Promise<Figure[]> {
  await using ground = await startGround()
  await using stack = new AsyncDisposableStack()
  const all: Running[] = []
  const chosen = CANDIDATES.filter(({ name }) => settings.candidates.includes(name))
  for (const [i, candidate] of chosen.entries())
    all.push(stack.use(await start(candidate, ground, FIRST_PORT + i)))
  await warmUp(all)
  const under = (loads: readonly LoadShape[]) =>
    interleaved('proxies', all, { loads, rounds: settings.rounds, seconds: SECONDS })
  const closed = await under(CLOSED_LOADS)
  return [...closed, ...(await under(constantLoads(closed)))]
}

const CLOSED_LOADS: readonly LoadShape[] = BODIES.flatMap((bytes) => [
  ...[1, 32, 256].map((connections) => ({ bytes, connections, close: false, ratePerSecond: null })),
  { bytes, connections: 32, close: true, ratePerSecond: null },
])

/** Half of the throughput of the slowest candidate with as many connections. */
function constantLoads(figures: readonly Figure[]): LoadShape[] {
  return BODIES.map((bytes) => {
    const same = figures.filter(({ load }) => load.bytes === bytes && load.connections === 32 && !load.close)
    const slowest = Math.min(...same.map(throughput))
    return { bytes, connections: 32, close: false, ratePerSecond: Math.round(slowest / 2) }
  })
}

function throughput({ rounds }: Figure): number {
  return median(rounds.map(({ requests, seconds }) => requests / seconds))
}

/** Lets Node compile and pools fill before anything is measured. */
async function warmUp(all: readonly Running[]): Promise<void> {
  for (const running of all)
    for (const bytes of BODIES)
      await measureRound(running, { bytes, connections: 32, close: false, ratePerSecond: null }, SECONDS)
}

type Value = (round: Round) => number

/** Who is compared, then one section for each body size with a table for each load. */
export function proxiesSections(): Section[] {
  const all = resultOf<Figure[]>('proxies')?.result ?? []
  return all.length === 0 ? [] : [candidatesSection(), ...BODIES.map((bytes) => ofBody(all, bytes))]
}

function candidatesSection(): Section {
  const rows = CANDIDATES.map(({ name, layer, note }) => [name, layer, note])
  return section('Who is compared', [markdownTable(['candidate', 'reads', 'set up as'], rows)])
}

const COLUMNS: readonly (readonly [string, Value])[] = [
  ['CPU µs/request', (round) => round.cpuUsPerRequest],
  ['requests/s', (round) => round.requests / round.seconds],
  ['p50 µs', (round) => round.p50Us],
  ['p99 µs', (round) => round.p99Us],
  ['memory MiB', (round) => round.rssBytes / 2 ** 20],
]

function ofBody(all: readonly Figure[], bytes: number): Section {
  const closed = [1, 32, 256].map((connections) =>
    part(
      `${connections} keep-alive connection(s)`,
      figuresOf(all, { bytes, connections, close: false, ratePerSecond: null }),
    ),
  )
  const each = part('One request per connection, 32 at a time', figuresOf(all, { bytes, close: true }))
  const chart = {
    [`cpu-${bytes}.svg`]: cpuChart(all, bytes),
    [`latency-${bytes}.svg`]: latencyChart(all, bytes),
  }
  return section(`Proxies, ${formatSize(bytes)} bodies`, [...closed, each, constantRate(all, bytes)], chart)
}

function part(title: string, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.candidate + (hasFailed(figure) ? ' (**failed requests**)' : ''),
    ...COLUMNS.map(([, value]) => showSpread(spreadIn(figure, value))),
  ])
  return `### ${title}\n\n${markdownTable(['', ...COLUMNS.map(([name]) => name)], rows)}`
}

function atConstantRate(all: readonly Figure[], bytes: number): Figure[] {
  return figuresOf(all, { bytes }).filter(({ load }) => load.ratePerSecond !== null)
}

function constantRate(all: readonly Figure[], bytes: number): string {
  const figures = atConstantRate(all, bytes)
  const rate = figures[0]?.load.ratePerSecond ?? 0
  return part(`${rate} requests/s, half of the slowest candidate's maximum, over 32 connections`, figures)
}

function cpuChart(all: readonly Figure[], bytes: number): string {
  const figures = figuresOf(all, { bytes, connections: 32, close: false, ratePerSecond: null }).filter(
    ({ candidate }) => candidate !== 'direct', // it has no proxy whose CPU time could be counted
  )
  return chart(
    `CPU µs per request, ${formatSize(bytes)}, 32 connections`,
    figures,
    (round) => round.cpuUsPerRequest,
  )
}

function latencyChart(all: readonly Figure[], bytes: number): string {
  return chart(
    `p50 µs at a constant rate, ${formatSize(bytes)}`,
    atConstantRate(all, bytes),
    (round) => round.p50Us,
  )
}

function chart(title: string, figures: readonly Figure[], value: Value): string {
  const bars = figures.map((figure) => ({
    label: figure.candidate,
    spread: spreadIn(figure, value),
    isOurs: isOurs(figure.candidate),
  }))
  return barChart(title, bars)
}

/** The figures of one load, in the order of the candidates. */
export function figuresOf(all: readonly Figure[], wanted: Partial<LoadShape>): Figure[] {
  const fits = ({ load }: Figure) =>
    Object.entries(wanted).every(([key, value]) => load[key as keyof LoadShape] === value)
  return all.filter(fits).toSorted((a, b) => rank(a) - rank(b))
}

function rank({ candidate }: Figure): number {
  return CANDIDATES.findIndex(({ name }) => name === candidate)
}

function spreadIn({ rounds }: Figure, value: (round: Round) => number): Spread {
  return spreadOf(rounds.map(value))
}

function isOurs(candidate: string): boolean {
  return candidate.startsWith('sidecar')
}

function hasFailed({ rounds }: Figure): boolean {
  return rounds.some(({ failures }) => failures > 0)
}
