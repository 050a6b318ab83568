import { digits, type Spread } from './spread.ts'

export interface Bar {
  readonly label: string
  readonly spread: Spread
  /** Ours stand out. */
  readonly isOurs: boolean
}

const [PLOT_PX, NUMBER_PX, ROW_PX, TOP_PX] = [430, 120, 24, 40] as const
/** Of the text's 12 px: no letter is wider than this on average. */
const LETTER_PX = 6.5

/** Horizontal bars of medians, with a line from the least to the most. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const labelPx = 16 + Math.ceil(LETTER_PX * Math.max(...bars.map(({ label }) => label.length)))
  const width = labelPx + PLOT_PX + NUMBER_PX
  const height = TOP_PX + bars.length * ROW_PX + 10
  const scale = PLOT_PX / Math.max(...bars.map(({ spread }) => spread.max))
  const rows = bars.map((bar, i) => rowOf(bar, { labelPx, y: TOP_PX + i * ROW_PX, scale }))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>${title}</title>
<style>${STYLE}</style>
<rect class="ground" width="${width}" height="${height}"/>
<text class="title" x="10" y="22">${title}</text>
${rows.join('\n')}
</svg>
`
}

interface Place {
  readonly labelPx: number
  readonly y: number
  /** Pixels for a unit. */
  readonly scale: number
}

function rowOf({ label, spread, isOurs }: Bar, { labelPx, y, scale }: Place): string {
  const at = (value: number) => (labelPx + value * scale).toFixed(1)
  const middle = y + 9
  return [
    `<text x="${labelPx - 8}" y="${y + 13}" text-anchor="end">${label}</text>`,
    `<rect class="${isOurs ? 'ours' : 'peer'}" x="${labelPx}" y="${y}" width="${(spread.median * scale).toFixed(1)}" height="18"/>`,
    `<line x1="${at(spread.min)}" x2="${at(spread.max)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${labelPx + PLOT_PX + 8}" y="${y + 13}">${digits(spread.median)}</text>`,
  ].join('')
}

const STYLE = `
.ground { fill: #fff } text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: bold }
.ours { fill: #1a7f37 } .peer { fill: #8c959f } line { stroke: #24292f }
@media (prefers-color-scheme: dark) {
  .ground { fill: #0d1117 } text { fill: #e6edf3 } .ours { fill: #3fb950 } .peer { fill: #6e7681 } line { stroke: #e6edf3 }
}
`
