import type { EngineRestart } from '../../engine/engine-restart.ts'
import { percentile } from '../../median.ts'
import { ENGINE_RESTART } from '../../suites/names.ts'
import type { Restart } from '../../suites/restart.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { digits } from '../spread.ts'
import { table } from '../table.ts'

const PERCENTS = [0, 50, 90, 100] as const
const HEAD = ['ms', 'runs', 'least', 'p50', 'p90', 'most'] as const

export function restart(): Section | null {
  const parts = [...onTheEngine(), ...withoutEngine()]
  return parts.length === 0 ? null : section('Restart', parts)
}

function onTheEngine(): string[] {
  const measured = resultOf<EngineRestart>(ENGINE_RESTART)?.result
  if (measured === undefined) return []
  return [
    'The stack of `compose.yaml` on a real engine: its process is killed from within, and the engine starts the container again, which it waits 100 ms with. Asked through the published port.',
    table(HEAD, [
      row('app: SIGKILL to the first good answer', measured.appCrashMs),
      row('sidecar: SIGKILL to the first good answer', measured.sidecarCrashMs),
    ]),
  ]
}

function withoutEngine(): string[] {
  const measured = resultOf<Restart>('restart')?.result
  if (measured === undefined) return []
  const { takeoverRequests, takeoverFailures } = measured
  return [
    'Without an engine: the process is started again at once. Both apps of a takeover share one processor, and a client asks over one new connection after the other.',
    table(HEAD, [
      row('sidecar: SIGKILL to the first good answer', measured.sidecarCrashMs),
      row('app: SIGKILL to the first good answer', measured.appCrashMs),
      row('app: longest gap in a takeover', measured.takeoverGapMs),
    ]),
    `Takeovers: ${takeoverFailures} of ${takeoverRequests} requests failed.`,
  ]
}

function row(name: string, times: readonly number[]): string[] {
  return [name, `${times.length}`, ...PERCENTS.map((percent) => digits(percentile(times, percent)))]
}
