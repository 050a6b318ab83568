import type { Palette } from '../output/style.ts'
import { table } from '../output/table.ts'
import { percentile } from '../stats/percentile.ts'
import { formatDuration } from './format-duration.ts'
import type { Watched } from './watch.ts'

const HEADINGS = ['', 'state', 'for', 'p50 ms', 'p99 ms', 'generation', 'errors so far', '']

/** Every target in one table. */
export function summary(watched: readonly Watched[], now: number, colours: Palette): string {
  const { good, bad, faint, strong } = colours
  const rows = watched.map(({ name, endpoint, track }) => [
    strong(name),
    track.state === 'up' ? good('up') : bad(track.state),
    formatDuration(now - track.since),
    ...[50, 99].map((percent) => percentile(track.recentMs, percent)?.toFixed(2) ?? '-'),
    track.generation === 0 ? '-' : String(track.generation),
    errors(track.errors),
    faint(endpoint),
  ])
  return table([HEADINGS.map(faint), ...rows])
}

function errors(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).map(([code, count]) => `${code} ${count}`)
  return entries.length === 0 ? '-' : entries.join(', ')
}
