import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { median, spreadOf } from '@uds-sidecar/client/statistics'
import { type Program, sidecar, type Where, withRoute } from '../candidates.ts'
import { untilAccepting } from '../connections.ts'
import { type Running, startGround, startProgram } from '../ground.ts'
import { type Figure, interleaved, type LoadShape } from '../load.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import type { Started } from '../processes.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'
import { usageOf } from '../usage.ts'
import { figuresOf } from './proxies.ts'

const PORT = 10_301
const SECONDS = 3
const WARM_UP_ROUNDS = 8
/** The rounds are short, so that there are more of them. */
const TIMES_AS_MANY = 4
const SETTINGS = ['off', 'failed', 'all'] as const
type Setting = (typeof SETTINGS)[number]

const RELOADED = 'the new configuration is active'

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

/**
 * What a line for each request costs: the sidecar with each setting of `accessLog`, under the same loads, in turn. It is one
 * process, and a reload changes its setting before each round: two processes of one program differ by more than a line costs.
 */
export async function accessLog({ rounds }: Settings): Promise<Figure[]> {
  await using ground = await startGround()
  const directory = join(ground.directory, `${PORT}`)
  const where = { port: PORT, socket: ground.socket, directory }
  await using started = startProgram(programWith('off', where), directory)
  await untilAccepting({ host: '127.0.0.1', port: PORT })
  const all = SETTINGS.map(
    (setting): Running => ({
      candidate: { ...sidecar, name: `accessLog: ${setting}` },
      port: PORT,
      out: '',
      usage: () => usageOf(started.pid),
      prepare: () => reload(started, setting, where),
      async [Symbol.asyncDispose]() {},
    }),
  )
  const loads = Object.values(ACCESS_LOADS)
  // Node compiles the code of a line after some thousands of them, and there are at most 100 a second.
  await interleaved('access-log: warm-up', all, { loads, rounds: WARM_UP_ROUNDS, seconds: SECONDS })
  return await interleaved('access-log', all, { loads, rounds: rounds * TIMES_AS_MANY, seconds: SECONDS })
}

function programWith(setting: Setting, where: Where): Program {
  const route = { kind: 'http', allow: ['GET /bytes/*'] }
  const { command, ...program } = withRoute(where, route, { accessLog: setting })
  // Lines go into a file, so that writing them costs what it costs an operator.
  const intoFile = ['sh', '-c', 'exec "$@" > "$0"', logIn(where), ...command]
  return { ...program, command: intoFile, env: { ...program.env, LOG_LEVEL: 'info' } }
}

function logIn({ directory }: Where): string {
  return join(directory, 'log')
}

/** Resolves when the setting is in use. */
async function reload(started: Started, setting: Setting, where: Where): Promise<void> {
  const reloads = () => readFileSync(logIn(where), 'utf8').split(RELOADED).length
  const before = reloads()
  for (const [name, content] of Object.entries(programWith(setting, where).files ?? {}))
    writeFileSync(join(where.directory, name), content)
  started.signal('SIGHUP')
  while (reloads() === before) await pause(10)
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
