/** A part of the page, and the charts that it shows: file name → SVG. */
export interface Section {
  readonly text: string
  readonly charts: Readonly<Record<string, string>>
}

export function section(title: string, parts: readonly string[], charts: Section['charts'] = {}): Section {
  const images = Object.keys(charts).map((file) => `![${title}](benchmarks/${file})`)
  return { text: [`## ${title}`, ...images, ...parts].join('\n\n'), charts }
}
