import { escapeHtml } from './page-html.ts'
import type { Change, RecentChange } from './recent-events.ts'

/** Charts are drawn on this grid, and scaled to the width that the page has for them. */
const WIDTH = 300
const HEIGHT = 72
const TOP = 14
const SIGN_WIDTH = 9

/** The signs of changes on the time line: each differs without its colour. */
export const SIGNS: Readonly<Record<Change, string>> = {
  up: '▲',
  down: '▼',
  'new socket': '◆',
  reload: '↻',
}

/** A value for a span of time; null: there is none. */
export interface Span {
  readonly startMs: number
  readonly endMs: number
  readonly value: number | null
}

/** A line of a chart, drawn in the style of its class. */
export interface Line {
  readonly name: string
  readonly style: 'solid' | 'dashed' | 'bars' | 'outlined'
  readonly spans: readonly Span[]
}

export interface ChartParts {
  readonly title: string
  /** Formats a value with its unit. */
  readonly unit: (value: number) => string
  readonly lines: readonly Line[]
  readonly changes: readonly RecentChange[]
  /** The left end and the right end of the time line, in milliseconds of `performance.now()`. */
  readonly fromMs: number
  readonly toMs: number
}

/**
 * A chart of the last minutes as a figure with inline SVG: the title with the last values, and the highest value of
 * each line. Without scripts; a screen reader gets the same as text.
 */
export function chart(parts: ChartParts): string {
  const { title, lines, unit } = parts
  const max = Math.max(0, ...lines.flatMap(({ spans }) => spans.map(({ value }) => value ?? 0)))
  const facts = lines.map((line) => factsOf(line, unit)).join('; ')
  const drawn = lines.map((line) => drawLine(line, parts, max)).join('')
  return `<figure>
<figcaption><b>${escapeHtml(title)}</b> ${escapeHtml(facts)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${title}, last 15 minutes: ${facts}`)}">
<path class="axis" d="M0 ${HEIGHT - 0.5}H${WIDTH}"/>${drawn}${drawChanges(parts)}
</svg>
<p class="time"><span>15 min ago</span><span>now</span></p>
</figure>`
}

function factsOf({ name, spans }: Line, unit: ChartParts['unit']): string {
  const values = spans.flatMap(({ value }) => (value === null ? [] : [value]))
  const last = spans.at(-1)?.value ?? null
  const highest = values.length === 0 ? 'none' : unit(Math.max(...values))
  const prefix = name === '' ? '' : `${name} `
  return `${prefix}${last === null ? 'none' : unit(last)} now, highest ${highest}`
}

function drawLine({ style, spans }: Line, { fromMs, toMs }: ChartParts, max: number): string {
  const x = (atMs: number) => round(Math.max(0, ((atMs - fromMs) / (toMs - fromMs)) * WIDTH))
  const y = (value: number) => round(HEIGHT - 1 - (max === 0 ? 0 : (value / max) * (HEIGHT - TOP - 1)))
  const isBar = style === 'bars' || style === 'outlined'
  const seen = spans.filter(({ endMs }) => endMs > fromMs)
  const steps = seen.map(({ startMs, endMs, value }, index) => {
    if (value === null || (isBar && value === 0)) return ''
    const [left, right, top] = [x(startMs), x(endMs), y(value)]
    if (isBar) return `M${left} ${HEIGHT - 1}V${top}H${right}V${HEIGHT - 1}Z`
    const follows = index > 0 && seen[index - 1]?.value !== null
    return `${follows ? 'L' : 'M'}${left} ${top}H${right}`
  })
  return `<path class="${style}" d="${steps.join('')}"/>`
}

/** Each change as a line at its moment. Signs that would cover each other stand side by side, the last one in its place. */
function drawChanges({ changes, fromMs, toMs }: ChartParts): string {
  let free = WIDTH - SIGN_WIDTH / 2
  return changes
    .filter(({ atMs }) => atMs >= fromMs)
    .toReversed()
    .map((each) => {
      const x = round(((each.atMs - fromMs) / (toMs - fromMs)) * WIDTH)
      const signX = round(Math.min(x, free))
      free = signX - SIGN_WIDTH
      const sign = signX < SIGN_WIDTH / 2 ? '' : `<text x="${signX}" y="10">${SIGNS[each.change]}</text>`
      return `<g class="mark ${classOf(each.change)}"><title>${escapeHtml(textOf(each))}</title><path d="M${x} ${TOP}V${HEIGHT}"/>${sign}</g>`
    })
    .join('')
}

function textOf({ at, change, detail }: RecentChange): string {
  const text = `${at.toISOString().slice(11, 19)} ${change}`
  return detail === '' ? text : `${text}: ${detail}`
}

/** The CSS class of a change. */
export function classOf(change: Change): string {
  return change.replace(' ', '-')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
