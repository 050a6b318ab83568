import { type Latencies, percentileUs } from '../stats/latencies.ts'
import { describePayload } from './report.ts'
import { merged } from './result.ts'
import type { RunResult } from './run.ts'
import type { TargetName } from './target.ts'

/** Maps a value to a place on an axis. */
export type Scale = (value: number) => number

/** Logarithmic from `[low, high]` to `[from, to]`. */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const span = Math.log10(high) - Math.log10(low)
  return (value) => from + ((Math.log10(value) - Math.log10(low)) / span) * (to - from)
}

/** How many nines a percentile has: 90 is 1, 99 is 2, 99.9 is 3. It spreads the tail, where the interest is. */
export function ninesOf(percent: number): number {
  return -Math.log10(1 - percent / 100)
}

export function percentOf(nines: number): number {
  return 100 * (1 - 10 ** -nines)
}

/** The powers of ten that enclose both numbers. */
export function decadesAround(low: number, high: number): readonly [number, number] {
  const from = 10 ** Math.floor(Math.log10(low))
  const to = 10 ** Math.ceil(Math.log10(high))
  return [from, to > from ? to : from * 10]
}

export const PANEL = { width: 760, height: 320 } as const

const PLOT = { left: 70, right: 640, top: 40, bottom: 270 } as const
const TICKS = [50, 90, 99, 99.9, 99.99, 99.999]
const STEP_NINES = 0.02

export interface Curve {
  readonly name: TargetName
  readonly latencies: Latencies
}

/** One plot: latency by percentile, a curve for each way; the percentile axis ends where the fewest requests do. */
export function panel(title: string, all: readonly Curve[]): string {
  const curves = all.filter(({ latencies }) => latencies.count > 1)
  if (curves.length === 0) return text(PLOT.left, 24, `${title}: no answers`)
  const lastNines = Math.log10(Math.min(...curves.map(({ latencies }) => latencies.count)))
  const [low, high] = range(curves, lastNines)
  const y = logScale([low, high], [PLOT.bottom, PLOT.top])
  const x: Scale = (nines) => PLOT.left + (nines / lastNines) * (PLOT.right - PLOT.left)
  return [
    text(PLOT.left, 24, title, 'title'),
    ...percentTicks(x, lastNines),
    ...latencyTicks(y, low, high),
    ...curves.map((curve, i) => drawn(curve, x, y, lastNines) + legend(curve.name, i)),
    text(PLOT.left, PANEL.height - 12, 'percentile of requests; latency in µs, logarithmic', 'faint'),
  ].join('\n')
}

/** Floored, so that no logarithm is taken of less than a nanosecond. */
function range(curves: readonly Curve[], lastNines: number): readonly [number, number] {
  const lows = curves.map(({ latencies }) => Math.max(0.001, percentileUs(latencies, 0.001)))
  const highs = curves.map(({ latencies }) => percentileUs(latencies, percentOf(lastNines)))
  return decadesAround(Math.min(...lows), Math.max(...highs))
}

function drawn({ name, latencies }: Curve, x: Scale, y: Scale, lastNines: number): string {
  const count = Math.floor(lastNines / STEP_NINES)
  const points = Array.from({ length: count + 1 }, (_, i) => {
    const nines = i * STEP_NINES
    const us = Math.max(0.001, percentileUs(latencies, Math.max(0.001, percentOf(nines))))
    return `${x(nines).toFixed(1)},${y(us).toFixed(1)}`
  })
  return `<polyline class="${name}" points="${points.join(' ')}"/>`
}

function percentTicks(x: Scale, lastNines: number): string[] {
  return TICKS.filter((percent) => ninesOf(percent) <= lastNines).map((percent) => {
    const at = x(ninesOf(percent)).toFixed(1)
    const grid = `<line x1="${at}" x2="${at}" y1="${PLOT.top}" y2="${PLOT.bottom}"/>`
    return grid + text(Number(at) - 12, PLOT.bottom + 18, `${percent}%`)
  })
}

function latencyTicks(y: Scale, low: number, high: number): string[] {
  const decades = Math.round(Math.log10(high / low))
  return Array.from({ length: decades + 1 }, (_, i) => {
    const us = low * 10 ** i
    const at = y(us).toFixed(1)
    const grid = `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${at}" y2="${at}"/>`
    return grid + text(10, Number(at) + 4, `${Number(us.toPrecision(1))} µs`)
  })
}

function legend(name: TargetName, index: number): string {
  const y = PLOT.top + 12 + index * 20
  return `<polyline class="${name}" points="${PLOT.right + 14},${y} ${PLOT.right + 38},${y}"/>${text(PLOT.right + 44, y + 4, name)}`
}

function text(x: number, y: number, content: string, className = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x}" y="${y}" class="${className}">${escaped}</text>`
}

/** The latency distribution of every run, one plot below the other; readable on light and dark ground. */
export function svg(results: readonly RunResult[]): string {
  const height = PANEL.height * results.length
  const panels = results.map(
    (result, i) => `<g transform="translate(0 ${i * PANEL.height})">\n${plot(result)}\n</g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PANEL.width} ${height}" width="${PANEL.width}" height="${height}" role="img">
<title>Latency by percentile: Unix socket, loopback TCP and sidecar</title>
<style>${STYLE}</style>
${panels.join('\n')}
</svg>
`
}

function plot({ settings, targets, measurements }: RunResult): string {
  const { connections, ratePerSecond } = settings
  const pace = ratePerSecond === null ? 'closed loop' : `${ratePerSecond} requests/s`
  const title = `${describePayload(settings)}, ${connections} connection(s), ${pace}`
  const curves = targets.map(({ name }) => ({ name, latencies: merged(measurements.get(name) ?? []) }))
  return panel(title, curves)
}

const STYLE = `
svg { background: #fff } text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: bold }
.faint { fill: #6e7781 } line { stroke: #d0d7de; stroke-width: .5 }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round }
.socket { stroke: #1a7f37 } .tcp { stroke: #0969da } .sidecar { stroke: #bc4c00 }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117 } text { fill: #e6edf3 } .faint { fill: #8b949e } line { stroke: #30363d }
  .socket { stroke: #3fb950 } .tcp { stroke: #58a6ff } .sidecar { stroke: #db6d28 }
}
`
