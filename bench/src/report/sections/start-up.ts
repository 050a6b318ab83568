import type { StartTimes } from '../../suites/start-up.ts'
import { barChart } from '../bar-chart.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { digits, show, spreadOf } from '../spread.ts'
import { table } from '../table.ts'

export const EMPTY = 'empty Node program: ended'

export function startUp(): Section | null {
  const measured = resultOf<StartTimes>('start-up')
  if (measured === null) return null
  const empty = spreadOf(measured.result[EMPTY] ?? []).median
  const spreads = Object.entries(measured.result).map(([label, times]) => ({
    label,
    spread: spreadOf(times),
  }))
  const rows = spreads.map(({ label, spread }) => [label, show(spread), digits(spread.median - empty)])
  const bars = spreads.map((one) => ({
    ...one,
    label: one.label.replace('empty Node program', 'empty'),
    isOurs: one.label !== EMPTY && !one.label.includes('from sources'),
  }))
  const charts = { 'start-up.svg': barChart('Milliseconds from the start of the process', bars) }
  return section(
    'Start-up',
    ['Compile caches warm, one processor.', table(['', 'ms', 'over the empty one'], rows)],
    charts,
  )
}
