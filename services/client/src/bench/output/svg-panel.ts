import { type Latencies, percentileUs } from '../latencies.ts'
import type { TargetName } from '../target.ts'
import { decadesAround, logScale, ninesOf, percentOf, type Scale } from './scale.ts'

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
