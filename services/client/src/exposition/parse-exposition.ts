/** One metric: its samples, and what the exposition says about it. */
export interface MetricFamily {
  readonly name: string
  type: string
  help: string
  readonly samples: Sample[]
}

export interface Sample {
  /** With suffix, such as `_bucket`. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** As written: `NaN` and `+Inf` are values too. */
  readonly value: string
}

const SAMPLE = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})?\s+(?<value>[^\s{}]+)(?:\s+-?\d+)?$/
const LABEL = /(?<key>[a-zA-Z_]\w*)="(?<value>(?:[^"\\]|\\.)*)"/g
const SUFFIX = /_(?:bucket|sum|count)$/

/**
 * Reads the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Comments and empty
 * lines are passed over.
 * @throws SyntaxError with the number of the line that is neither
 */
export function parseExposition(text: string): MetricFamily[] {
  const families = new Map<string, MetricFamily>()
  for (const [i, line] of text.split('\n').entries()) readLine(line, i + 1, families)
  return [...families.values()]
}

function readLine(line: string, number: number, families: Map<string, MetricFamily>): void {
  const comment = /^#\s+(?<keyword>HELP|TYPE)\s+(?<name>\S+)\s*(?<text>.*)$/.exec(line)?.groups
  if (comment?.keyword === 'HELP') familyOf(comment.name ?? '', families).help = comment.text ?? ''
  else if (comment?.keyword === 'TYPE') familyOf(comment.name ?? '', families).type = comment.text ?? ''
  else if (line.trim() !== '' && !line.startsWith('#')) readSample(line, number, families)
}

function readSample(line: string, number: number, families: Map<string, MetricFamily>): void {
  const { name, labels = '', value } = SAMPLE.exec(line)?.groups ?? {}
  if (name === undefined || value === undefined)
    throw new SyntaxError(`line ${number} is no sample: ${JSON.stringify(line.slice(0, 80))}`)
  const base = name.replace(SUFFIX, '')
  familyOf(families.has(base) ? base : name, families).samples.push({
    name,
    labels: readLabels(labels),
    value,
  })
}

function readLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(LABEL)].map(({ groups }) => [
    groups?.key,
    unescapeLabel(groups?.value ?? ''),
  ])
  return Object.fromEntries(pairs)
}

function unescapeLabel(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}

function familyOf(name: string, families: Map<string, MetricFamily>): MetricFamily {
  const known = families.get(name)
  if (known !== undefined) return known
  const created = { name, type: 'untyped', help: '', samples: [] }
  families.set(name, created)
  return created
}
