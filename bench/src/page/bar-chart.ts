import type { Spread } from '@uds-sidecar/client/statistics'
import { type ChartStyle, svgDocument, svgText } from '@uds-sidecar/client/svg'
import { digits } from './markdown.ts'

export interface Bar {
  readonly label: string
  readonly spread: Spread
  /** Whether it is one of this project's programs, which have another colour. */
  readonly isOurs: boolean
}

const [PLOT_PX, NUMBER_PX, ROW_PX, TOP_PX] = [430, 120, 24, 40] as const
/** Average width of a letter at 12 px, rounded up. */
const LETTER_PX = 6.5

/** Horizontal bars of medians, each with a line from minimum to maximum. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const labelPx = 16 + Math.ceil(LETTER_PX * Math.max(...bars.map(({ label }) => label.length)))
  const width = labelPx + PLOT_PX + NUMBER_PX
  const height = TOP_PX + bars.length * ROW_PX + 10
  const scale = PLOT_PX / Math.max(...bars.map(({ spread }) => spread.max))
  const rows = bars.map((bar, i) => rowOf(bar, { labelPx, y: TOP_PX + i * ROW_PX, scale }))
  return svgDocument(title, { width, height }, STYLE, [
    svgText(10, 22, title, { className: 'title' }),
    ...rows,
  ])
}

interface Place {
  readonly labelPx: number
  readonly y: number
  /** Pixels per unit. */
  readonly scale: number
}

function rowOf({ label, spread, isOurs }: Bar, { labelPx, y, scale }: Place): string {
  const at = (value: number) => (labelPx + value * scale).toFixed(1)
  const middle = y + 9
  return [
    svgText(labelPx - 8, y + 13, label, { anchor: 'end' }),
    `<rect class="${isOurs ? 'ours' : 'peer'}" x="${labelPx}" y="${y}" width="${(spread.median * scale).toFixed(1)}" height="18"/>`,
    `<line x1="${at(spread.min)}" x2="${at(spread.max)}" y1="${middle}" y2="${middle}"/>`,
    svgText(labelPx + PLOT_PX + 8, y + 13, digits(spread.median)),
  ].join('')
}

const STYLE: ChartStyle = {
  light: '.ours { fill: #1a7f37 } .peer { fill: #8c959f } line { stroke: #24292f }',
  dark: '.ours { fill: #3fb950 } .peer { fill: #6e7681 } line { stroke: #e6edf3 }',
}
