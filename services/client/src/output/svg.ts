/** The parts that every chart shares: the document, its text, its axes, and colours for light and dark pages. */

/** CSS rules of one chart, beside those that every chart has. */
export interface ChartStyle {
  readonly light: string
  /** What differs on a dark page. */
  readonly dark: string
}

interface Size {
  readonly width: number
  readonly height: number
}

/** A whole SVG file. Classes for every chart: `title` and `faint` for text. */
export function svgDocument(
  title: string,
  { width, height }: Size,
  style: ChartStyle,
  content: readonly string[],
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>
${LIGHT} ${style.light}
@media (prefers-color-scheme: dark) {
  ${DARK} ${style.dark}
}
</style>
<rect class="page" width="${width}" height="${height}"/>
${content.join('\n')}
</svg>
`
}

const LIGHT = `.page { fill: #fff } text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: bold }
.faint { fill: #6e7781 }`

const DARK = '.page { fill: #0d1117 } text { fill: #e6edf3 } .faint { fill: #8b949e }'

interface TextStyle {
  readonly className?: string
  /** Whether `x` is where the text starts or ends. */
  readonly anchor?: 'start' | 'end'
}

export function svgText(
  x: number,
  y: number,
  content: string,
  { className, anchor = 'start' }: TextStyle = {},
): string {
  const attributes = [
    ...(className === undefined ? [] : [` class="${className}"`]),
    ...(anchor === 'start' ? [] : [` text-anchor="${anchor}"`]),
  ]
  return `<text x="${x}" y="${y}"${attributes.join('')}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** Maps a value to a position on an axis. */
export type Scale = (value: number) => number

/** Logarithmic from `[low, high]` to `[from, to]`. */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const span = Math.log10(high) - Math.log10(low)
  return (value) => from + ((Math.log10(value) - Math.log10(low)) / span) * (to - from)
}

/** The powers of ten that enclose both numbers. */
export function decadesAround(low: number, high: number): readonly [number, number] {
  const from = 10 ** Math.floor(Math.log10(low))
  const to = 10 ** Math.ceil(Math.log10(high))
  return [from, to > from ? to : from * 10]
}
