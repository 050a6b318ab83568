import assert from 'node:assert/strict'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { createExposition } from '../observe/exposition.ts'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { Conversation } from './conversation.ts'
import { portOf } from './sidecar-with.ts'

/** What `/metrics` of a sidecar without an operations port would have. */
export async function exposed(sidecar: Sidecar): Promise<string> {
  const exposition = createExposition({
    routes: () => sidecar.routes,
    build: { version: 'test', revision: 'test' },
    opsTls: () => null,
    credentials: () => [],
  })
  return await exposition.render()
}

/** Names and labels of the series in `text`, without their values. Those of the process itself are left out. */
export function seriesIn(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith('sidecar_'))
  return lines.map((line) => line.slice(0, line.lastIndexOf(' '))).sort()
}

/** The value of the series with this name and these labels, as they are written. */
export function valueIn(text: string, series: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  if (line === undefined) throw new Error(`no series ${series}`)
  return Number(line.slice(series.length))
}

/** How many different values tests send of each thing that a client decides. */
export const MANY = 10_000

/** Sends the requests `from` to `to`, and resolves once each of them is counted. */
export type Send = (from: number, to: number) => Promise<void>

/** @param first how many requests it takes until each status and code that they can cause was seen */
export async function sameSeries(sidecar: Sidecar, send: Send, first = 1): Promise<void> {
  await send(0, first)
  const before = seriesIn(await exposed(sidecar))
  await send(first, MANY)
  assert.deepEqual(seriesIn(await exposed(sidecar)), before)
}

/** Pipelines requests on connections to the first route, so many on each that no limit of a connection is reached. */
export function pipelined(sidecar: Sidecar, headOf: (n: number) => string): Send {
  const responses = () =>
    [...(sidecar.routes[0]?.counters.responses.values() ?? [])]
      .flatMap((byStatus) => [...byStatus.values()])
      .reduce((sum, count) => sum + count, 0)
  return async (from, to) => {
    for (let at = from; at < to; at += 500) {
      const end = Math.min(at + 500, to)
      using client = new Conversation(portOf(sidecar))
      client.send(Array.from({ length: end - at }, (_, i) => headOf(at + i)).join(''))
      await eventually(`${end} responses`, () => responses() === end)
    }
  }
}
