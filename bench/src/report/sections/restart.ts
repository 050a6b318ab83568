import { percentile } from '../../median.ts'
import type { Restart } from '../../suites/restart.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { digits } from '../spread.ts'
import { table } from '../table.ts'

const PERCENTS = [0, 50, 90, 100] as const

export function restart(): Section | null {
  const measured = resultOf<Restart>('restart')?.result
  if (measured === undefined) return null
  const rows = [
    row('sidecar: SIGKILL to the first good answer', measured.sidecarCrashMs),
    row('app: SIGKILL to the first good answer', measured.appCrashMs),
    row('app: longest gap in a takeover', measured.takeoverGapMs),
  ]
  const { takeoverRequests, takeoverFailures } = measured
  return section('Restart', [
    'The process is started again at once: a container engine adds its own time. Both apps of a takeover share one processor, and a client asks over one new connection after the other.',
    table(['ms', 'runs', 'least', 'p50', 'p90', 'most'], rows),
    `Takeovers: ${takeoverFailures} of ${takeoverRequests} requests failed.`,
  ])
}

function row(name: string, times: readonly number[]): string[] {
  return [name, `${times.length}`, ...PERCENTS.map((percent) => digits(percentile(times, percent)))]
}
