import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'

const RESULTS = join(import.meta.dirname, '../../bench/results')

/** What one sidecar was measured to cost: medians of `bench/results`. */
export interface Measured {
  /** Of 11 KiB over kept connections, at a rate far below the maximum; at the maximum it is a third of that. */
  readonly cpuUsPerRequest: number
  /** Of the process while it relays with 32 connections: kernel memory is not in it. */
  readonly bytesUnderLoad: number
  readonly bytesPerIdleConnection: number
  /** One scraper, by the number of series; the app that renders them is included in both. */
  readonly scrapes: readonly Scrape[]
}

export interface Scrape {
  readonly series: number
  readonly ms: number
  readonly cpuMs: number
}

const roundSchema = v.object({ cpuUsPerRequest: v.number(), rssBytes: v.number() })
const proxiesSchema = v.object({
  result: v.array(
    v.object({
      candidate: v.string(),
      load: v.object({ bytes: v.number(), ratePerSecond: v.nullable(v.number()) }),
      rounds: v.array(roundSchema),
    }),
  ),
})
const idleSchema = v.object({
  result: v.array(
    v.object({ candidate: v.string(), connections: v.number(), bytesPerConnection: v.number() }),
  ),
})
const expositionSchema = v.object({
  result: v.array(
    v.object({
      series: v.number(),
      scrapers: v.number(),
      ms: v.array(v.number()),
      cpuMs: v.array(v.number()),
    }),
  ),
})

export function readMeasured(): Measured {
  const rounds = read('proxies', proxiesSchema).result.flatMap(({ candidate, load, rounds }) =>
    candidate === 'sidecar' && load.bytes === 11_264 && load.ratePerSecond !== null ? rounds : [],
  )
  const idle = read('idle', idleSchema).result.filter(
    ({ candidate, connections }) => candidate === 'sidecar' && connections === 10_000,
  )
  const scrapes = read('exposition', expositionSchema).result.filter(({ scrapers }) => scrapers === 1)
  return {
    cpuUsPerRequest: median(rounds.map(({ cpuUsPerRequest }) => cpuUsPerRequest)),
    bytesUnderLoad: median(rounds.map(({ rssBytes }) => rssBytes)),
    bytesPerIdleConnection: median(idle.map(({ bytesPerConnection }) => bytesPerConnection)),
    scrapes: scrapes
      .map(({ series, ms, cpuMs }) => ({ series, ms: median(ms), cpuMs: median(cpuMs) }))
      .sort((one, other) => one.series - other.series),
  }
}

function read<T extends v.GenericSchema>(suite: string, schema: T): v.InferOutput<T> {
  return v.parse(schema, JSON.parse(readFileSync(join(RESULTS, `${suite}.json`), 'utf8')))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) throw new Error('bench/results lacks a figure: run make bench')
  return middle
}
