import { join } from 'node:path'
import { median, spreadOf } from '@uds-sidecar/client/statistics'
import { type Candidate, type Program, sidecar, type Where, withRoute } from '../candidates.ts'
import { type Running, start, startGround } from '../ground.ts'
import { type Figure, interleaved, type LoadShape } from '../load.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'
import { figuresOf } from './proxies.ts'

const FIRST_PORT = 10_301
const SECONDS = 6
const WARM_UP_ROUNDS = 4
const SETTINGS = ['off', 'failed', 'all'] as const

/** What a report calls it → the load. */
export const ACCESS_LOADS = {
  'as much as possible: 100 lines a second': {
    bytes: 11_264,
    connections: 32,
    close: false,
    ratePerSecond: null,
  },
  '90 requests a second: a line for each': { bytes: 11_264, connections: 8, close: false, ratePerSecond: 90 },
} as const satisfies Readonly<Record<string, LoadShape>>

export type AccessLoad = keyof typeof ACCESS_LOADS

/** What a line for each request costs: the sidecar with each setting of `accessLog`, under the same loads, in turn. */
export async function accessLog({ rounds }: Settings): Promise<Figure[]> {
  await using ground = await startGround()
  await using stack = new AsyncDisposableStack()
  const all: Running[] = []
  for (const [i, setting] of SETTINGS.entries())
    all.push(stack.use(await start(withAccessLog(setting), ground, FIRST_PORT + i)))
  const loads = Object.values(ACCESS_LOADS)
  // Node compiles the code of a line after some thousands of them, and there are at most 100 a second.
  await interleaved('access-log: warm-up', all, { loads, rounds: WARM_UP_ROUNDS, seconds: SECONDS })
  return await interleaved('access-log', all, { loads, rounds, seconds: SECONDS })
}

function withAccessLog(setting: (typeof SETTINGS)[number]): Candidate {
  const program = (where: Where): Program => {
    const { command, env, files } = withRoute(
      where,
      { kind: 'http', allow: ['GET /bytes/*'] },
      { accessLog: setting },
    )
    // Lines go into a file, so that writing them costs what it costs an operator.
    const intoFile = ['sh', '-c', 'exec "$@" > "$0"', join(where.directory, 'log'), ...command]
    return {
      command: intoFile,
      env: { ...env, LOG_LEVEL: 'info' },
      ...(files === undefined ? {} : { files }),
    }
  }
  return { ...sidecar, name: `accessLog: ${setting}`, program }
}

/** CPU time per request over that with `off`, the median of the ratios of each round. */
export function accessLogRatio(load: AccessLoad, setting: 'failed' | 'all'): number {
  const figures = figuresOf(resultOf<Figure[]>('access-log')?.result ?? [], ACCESS_LOADS[load])
  const of = (name: string) =>
    figures
      .find(({ candidate }) => candidate === `accessLog: ${name}`)
      ?.rounds.map((round) => round.cpuUsPerRequest)
  const [off, on] = [of('off'), of(setting)]
  if (off === undefined || on === undefined) return Number.NaN
  return median(on.map((us, i) => us / (off[i] ?? Number.NaN)))
}

export function accessLogSection(): Section | null {
  const all = resultOf<Figure[]>('access-log')?.result
  if (all === undefined) return null
  const rows = Object.entries(ACCESS_LOADS).map(([name, load]) => [
    name,
    ...figuresOf(all, load).map(({ rounds }) =>
      showSpread(spreadOf(rounds.map(({ cpuUsPerRequest }) => cpuUsPerRequest))),
    ),
  ])
  const how =
    'CPU µs per request of 11 KiB with each setting of `accessLog`. At 90 requests a second most of it is waking up for each.'
  return section('Access log', [how, markdownTable(['load', ...SETTINGS], rows)])
}
