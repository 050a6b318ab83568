import { CANDIDATES } from '../../candidates/all.ts'
import type { Figure, Round } from '../../figure.ts'
import { BODIES } from '../../ground/ground.ts'
import { barChart } from '../bar-chart.ts'
import { figuresOf, hasFailed, isOurs, sizeName, spreadIn } from '../figures.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { show } from '../spread.ts'
import { table } from '../table.ts'

type Value = (round: Round) => number

/** One section for each body: all loads as rows of the candidates. */
export function proxies(): Section[] {
  const all = resultOf<Figure[]>('proxies')?.result ?? []
  return all.length === 0 ? [] : [candidates(), ...BODIES.map((bytes) => ofBody(all, bytes))]
}

function candidates(): Section {
  const rows = CANDIDATES.map(({ name, layer, note }) => [name, layer, note])
  return section('Who is compared', [table(['candidate', 'reads', 'set up as'], rows)])
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
  const each = part('one request per connection, 32 at a time', figuresOf(all, { bytes, close: true }))
  const chart = {
    [`cpu-${bytes}.svg`]: cpuChart(all, bytes),
    [`latency-${bytes}.svg`]: latencyChart(all, bytes),
  }
  return section(`Proxies, ${sizeName(bytes)} bodies`, [...closed, each, constantRate(all, bytes)], chart)
}

function part(title: string, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.candidate + (hasFailed(figure) ? ' (**failed requests**)' : ''),
    ...COLUMNS.map(([, value]) => show(spreadIn(figure, value))),
  ])
  return `### ${title}\n\n${table(['', ...COLUMNS.map(([name]) => name)], rows)}`
}

function atConstantRate(all: readonly Figure[], bytes: number): Figure[] {
  return figuresOf(all, { bytes }).filter(({ load }) => load.ratePerSecond !== null)
}

function constantRate(all: readonly Figure[], bytes: number): string {
  const figures = atConstantRate(all, bytes)
  const rate = figures[0]?.load.ratePerSecond ?? 0
  return part(`${rate} requests/s, half of the slowest one's maximum, over 32 connections`, figures)
}

function cpuChart(all: readonly Figure[], bytes: number): string {
  const figures = figuresOf(all, { bytes, connections: 32, close: false, ratePerSecond: null }).filter(
    ({ candidate }) => candidate !== 'direct', // which has no proxy to count
  )
  return chart(
    `CPU µs per request, ${sizeName(bytes)}, 32 connections`,
    figures,
    (round) => round.cpuUsPerRequest,
  )
}

function latencyChart(all: readonly Figure[], bytes: number): string {
  return chart(
    `p50 µs at a constant rate, ${sizeName(bytes)}`,
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
