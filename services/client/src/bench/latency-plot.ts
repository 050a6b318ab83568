import { type ChartStyle, decadesAround, logScale, type Scale, svgDocument, svgText } from '../output/svg.ts'
import { type Latencies, percentileUs } from '../stats/statistics.ts'
import { describePayload } from './report.ts'
import { merged } from './result.ts'
import type { RunResult } from './run.ts'
import type { TargetName } from './target.ts'

/** How many nines a percentile has: 90 is 1, 99 is 2, 99.9 is 3. This spreads the tail, the part of interest. */
function ninesOf(percent: number): number {
  return -Math.log10(1 - percent / 100)
}

function percentOf(nines: number): number {
  return 100 * (1 - 10 ** -nines)
}

const PANEL = { width: 760, height: 320 } as const

const PLOT = { left: 70, right: 640, top: 40, bottom: 270 } as const
const TICKS = [50, 90, 99, 99.9, 99.99, 99.999]
const STEP_NINES = 0.02

interface Curve {
  readonly name: TargetName
  readonly latencies: Latencies
}

/** Latency by percentile, one curve per target. The axis ends at the percentile that the fewest requests can show. */
function panel(title: string, all: readonly Curve[]): string {
  const curves = all.filter(({ latencies }) => latencies.count > 1)
  if (curves.length === 0) return svgText(PLOT.left, 24, `${title}: no responses`)
  const lastNines = Math.log10(Math.min(...curves.map(({ latencies }) => latencies.count)))
  const [low, high] = range(curves, lastNines)
  const y = logScale([low, high], [PLOT.bottom, PLOT.top])
  const x: Scale = (nines) => PLOT.left + (nines / lastNines) * (PLOT.right - PLOT.left)
  return [
    svgText(PLOT.left, 24, title, { className: 'title' }),
    ...percentTicks(x, lastNines),
    ...latencyTicks(y, low, high),
    ...curves.map((curve, i) => drawn(curve, x, y, lastNines) + legend(curve.name, i)),
    svgText(PLOT.left, PANEL.height - 12, 'percentile of requests; latency in µs, logarithmic', {
      className: 'faint',
    }),
  ].join('\n')
}

/** At least a nanosecond, because zero has no logarithm. */
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
    return grid + svgText(Number(at) - 12, PLOT.bottom + 18, `${percent}%`)
  })
}

function latencyTicks(y: Scale, low: number, high: number): string[] {
  const decades = Math.round(Math.log10(high / low))
  return Array.from({ length: decades + 1 }, (_, i) => {
    const us = low * 10 ** i
    const at = y(us).toFixed(1)
    const grid = `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${at}" y2="${at}"/>`
    return grid + svgText(10, Number(at) + 4, `${Number(us.toPrecision(1))} µs`)
  })
}

function legend(name: TargetName, index: number): string {
  const y = PLOT.top + 12 + index * 20
  return `<polyline class="${name}" points="${PLOT.right + 14},${y} ${PLOT.right + 38},${y}"/>${svgText(PLOT.right + 44, y + 4, name)}`
}

/** The latency distribution of every run as one SVG file, one plot below the other. */
export function latencyPlots(results: readonly RunResult[]): string {
  const height = PANEL.height * results.length
  const panels = results.map(
    (result, i) => `<g transform="translate(0 ${i * PANEL.height})">\n${plot(result)}\n</g>`,
  )
  const title = 'Latency by percentile: Unix socket, loopback TCP and sidecar'
  return svgDocument(title, { width: PANEL.width, height }, STYLE, panels)
}

function plot({ settings, targets, measurements }: RunResult): string {
  const { connections, ratePerSecond } = settings
  const pace = ratePerSecond === null ? 'closed loop' : `${ratePerSecond} requests/s`
  const title = `${describePayload(settings)}, ${connections} connection(s), ${pace}`
  const curves = targets.map(({ name }) => ({ name, latencies: merged(measurements.get(name) ?? []) }))
  return panel(title, curves)
}

const STYLE: ChartStyle = {
  light: `line { stroke: #d0d7de; stroke-width: .5 }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round }
.socket { stroke: #1a7f37 } .tcp { stroke: #0969da } .sidecar { stroke: #bc4c00 }`,
  dark: `line { stroke: #30363d }
  .socket { stroke: #3fb950 } .tcp { stroke: #58a6ff } .sidecar { stroke: #db6d28 }`,
}
