import type { Spread } from '@uds-sidecar/client/statistics'

/** A part of the page, and the charts that it shows: file name → SVG. */
export interface Section {
  readonly text: string
  readonly charts: Readonly<Record<string, string>>
}

export function section(title: string, parts: readonly string[], charts: Section['charts'] = {}): Section {
  const images = Object.keys(charts).map((file) => `![${title}](benchmarks/${file})`)
  return { text: [`## ${title}`, ...images, ...parts].join('\n\n'), charts }
}

/** A Markdown table; the first column holds names. For a terminal there is `table` of the client's `output/text.ts`. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** `21 (19–24)`: median, minimum and maximum. */
export function showSpread({ median, min, max }: Spread): string {
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`
}

/** Three significant digits; a whole number from 100 on. */
export function digits(value: number): string {
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: places })
}
