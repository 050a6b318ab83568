import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { spreadOf } from '@uds-sidecar/client/statistics'
import { haproxy, nginx, sidecar } from '../candidates.ts'
import { LARGE_BODY, pathOf, type Running, start, startGround } from '../ground.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const FIRST_PORT = 10_060
const SAMPLE_MS = 5

export interface LargeBody {
  readonly candidate: string
  readonly bytes: number
  readonly seconds: number
  readonly rssBeforeBytes: number
  readonly rssPeakBytes: number
}

/** A body of 100 MiB: how long it takes, and how much memory a candidate needs to relay it. */
export async function largeBody({ rounds }: Settings): Promise<LargeBody[]> {
  await using ground = await startGround()
  await using stack = new AsyncDisposableStack()
  const all: Running[] = []
  for (const [i, candidate] of [sidecar, nginx, haproxy].entries())
    all.push(stack.use(await start(candidate, ground, FIRST_PORT + i)))
  const results: LargeBody[] = []
  for (let round = 0; round < rounds; round++) for (const one of all) results.push(await measure(one))
  return results
}

async function measure(running: Running): Promise<LargeBody> {
  const rssBeforeBytes = running.usage().rssBytes
  const begun = performance.now()
  const done = new AbortController()
  const peak = peakOf(running, done.signal)
  const bytes = await download(running.port)
  const seconds = (performance.now() - begun) / 1_000
  done.abort()
  if (bytes !== LARGE_BODY) throw new Error(`${running.candidate.name} gave ${bytes} of ${LARGE_BODY} bytes`)
  return { candidate: running.candidate.name, bytes, seconds, rssBeforeBytes, rssPeakBytes: await peak }
}

async function peakOf(running: Running, done: AbortSignal): Promise<number> {
  let peak = 0
  while (!done.aborted) {
    peak = Math.max(peak, running.usage().rssBytes)
    await pause(SAMPLE_MS)
  }
  return peak
}

function download(port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let bytes = 0
  get({ port, host: '127.0.0.1', path: pathOf(LARGE_BODY), agent: false }, (response) => {
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    response.on('end', () => resolve(bytes)).on('error', reject)
  }).on('error', reject)
  return promise
}

export function largeBodySection(): Section | null {
  const rows = resultOf<LargeBody[]>('large-body')?.result
  if (rows === undefined) return null
  const cells = [...Map.groupBy(rows, ({ candidate }) => candidate)].map(([name, all]) => [
    name,
    showSpread(spreadOf(all.map(({ rssBeforeBytes }) => rssBeforeBytes / 2 ** 20))),
    showSpread(spreadOf(all.map(({ rssPeakBytes }) => rssPeakBytes / 2 ** 20))),
    showSpread(spreadOf(all.map(({ seconds }) => seconds))),
  ])
  const head = ['', 'memory before, MiB', 'peak memory, MiB', 'seconds']
  return section('A body of 100 MiB', [markdownTable(head, cells)])
}
