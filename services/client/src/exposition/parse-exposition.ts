import { type Labels, type Line, readLine } from './read-line.ts'

/** One metric with its metadata and samples. */
export interface MetricFamily {
  readonly name: string
  type: string
  help: string
  /** Only in OpenMetrics. */
  unit?: string
  readonly samples: Sample[]
}

export interface Sample {
  /** With its suffix, such as `_bucket`. */
  readonly name: string
  readonly labels: Labels
  /** The text of the number: may be `NaN` or `+Inf`. */
  readonly value: string
  /** The text of the number: milliseconds in the text format, seconds in OpenMetrics. */
  readonly timestamp?: string
  readonly exemplar?: Exemplar
}

/** One of the observations that a sample counts, with labels to find it, such as a trace id. */
export interface Exemplar {
  readonly labels: Labels
  readonly value: string
  readonly timestamp?: string
}

interface Format {
  /** From the Content-Type; without it the last line decides. */
  readonly openMetrics?: boolean
}

interface State {
  readonly families: Map<string, MetricFamily>
  readonly typed: Set<string>
  readonly helped: Set<string>
  readonly openMetrics: boolean
}

const TEXT_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [],
  gauge: [],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
  untyped: [],
  unknown: [],
  info: [],
  stateset: [],
  gaugehistogram: ['_bucket', '_gsum', '_gcount'],
}

/** In OpenMetrics a counter `x` has the samples `x_total` and `x_created`. */
const OPEN_METRICS_SUFFIXES: typeof TEXT_SUFFIXES = {
  ...TEXT_SUFFIXES,
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  summary: ['_sum', '_count', '_created'],
  info: ['_info'],
}

/** What OpenMetrics ends with. Blanks are allowed around it, as around every token. */
const EOF_LINE = /^[ \t]*#[ \t]+EOF[ \t]*$/
const BLANK_LINE = /^[ \t]*$/

/**
 * Parses the Prometheus text format 0.0.4 with the quoted names of Prometheus 3, and OpenMetrics 1.0
 * (prometheus.io/docs/instrumenting/exposition_formats, prometheus.io/docs/specs/om/open_metrics_spec). Comments and
 * empty lines are ignored, nothing else.
 * @throws SyntaxError with number and text of the first invalid line, and the reason
 */
export function parseExposition(exposition: string | Uint8Array, format: Format = {}): MetricFamily[] {
  const lines = linesIn(exposition)
  const last = lines.findLast((line) => !BLANK_LINE.test(line))
  const complete = last !== undefined && EOF_LINE.test(last)
  const openMetrics = format.openMetrics ?? complete
  const end = openMetrics ? lines.findIndex((line) => EOF_LINE.test(line)) : -1
  if (openMetrics && end < 0) throw new SyntaxError('OpenMetrics must end with # EOF: the text was cut short')
  const after = openMetrics ? lines.findIndex((line, i) => i > end && !BLANK_LINE.test(line)) : -1
  if (after >= 0) throw invalidLine(after + 1, lines[after] ?? '', 'nothing may follow # EOF')
  const state: State = { families: new Map(), typed: new Set(), helped: new Set(), openMetrics }
  for (const [i, line] of lines.entries())
    try {
      take(readLine(line), state)
    } catch (error) {
      throw error instanceof SyntaxError ? invalidLine(i + 1, line, error.message) : error
    }
  return [...state.families.values()]
}

/** Text after the last line feed is a line too. */
function linesIn(exposition: string | Uint8Array): string[] {
  const lines = (typeof exposition === 'string' ? exposition : decode(exposition)).split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Fails on bytes that are not UTF-8. By default Node replaces them with U+FFFD, so that the text is not what was sent. */
function decode(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    return decoder.decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const lines = Buffer.from(bytes).toString('latin1').split('\n')
    const bad = lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1'), decoder))
    throw invalidLine(bad + 1, Buffer.from(lines[bad] ?? '', 'latin1').toString(), 'it is not UTF-8')
  }
}

function isUtf8(bytes: Uint8Array, decoder: TextDecoder): boolean {
  try {
    decoder.decode(bytes)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

function invalidLine(number: number, line: string, reason: string): SyntaxError {
  const shown = line.length > 80 ? `${line.slice(0, 80)}…` : line
  return new SyntaxError(`line ${number} is invalid: ${JSON.stringify(shown)}: ${reason}`)
}

function take(line: Line, state: State): void {
  switch (line.kind) {
    case 'nothing':
      return
    case 'help':
      if (state.helped.has(line.name)) throw new SyntaxError(`it is the second HELP of ${line.name}`)
      state.helped.add(line.name)
      familyOf(line.name, state).help = line.text
      return
    case 'type':
      takeType(line, state)
      return
    case 'unit':
      if (state.openMetrics) familyOf(line.name, state).unit = line.text
      return
    case 'sample':
      takeSample(line, state)
      return
  }
}

function takeType({ name, text }: { name: string; text: string }, state: State): void {
  const type = text.toLowerCase()
  if (!Object.hasOwn(TEXT_SUFFIXES, type))
    throw new SyntaxError(text === '' ? 'it has no type' : 'there is no such type')
  if (state.typed.has(name)) throw new SyntaxError(`it is the second TYPE of ${name}`)
  if ((state.families.get(name)?.samples.length ?? 0) > 0)
    throw new SyntaxError(`TYPE must come before the samples of ${name}`)
  state.typed.add(name)
  familyOf(name, state).type = type
}

function takeSample(line: Extract<Line, { kind: 'sample' }>, state: State): void {
  const { name, labels, value, timestamp, exemplar } = line
  familyOf(familyNameOf(name, state), state).samples.push({
    name,
    labels,
    value,
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(exemplar === undefined ? {} : { exemplar }),
  })
}

/** The family that a TYPE line announced for samples with this suffix; otherwise the sample has its own family. */
function familyNameOf(name: string, { families, openMetrics }: State): string {
  if (families.has(name)) return name
  const suffixes = openMetrics ? OPEN_METRICS_SUFFIXES : TEXT_SUFFIXES
  const cut = name.lastIndexOf('_')
  if (cut < 1) return name
  const base = name.slice(0, cut)
  const announced = families.get(base)
  return announced !== undefined && suffixes[announced.type]?.includes(name.slice(cut)) ? base : name
}

function familyOf(name: string, { families }: State): MetricFamily {
  const known = families.get(name)
  if (known !== undefined) return known
  const created = { name, type: 'untyped', help: '', samples: [] }
  families.set(name, created)
  return created
}
