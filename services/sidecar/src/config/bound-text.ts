/** How bounds are written: `5s` and `16KiB` in the configuration file, and the table in the README. */
import {
  type Bound,
  CONNECT_LIMITS,
  CONNECT_TIMEOUTS,
  DRAIN,
  HTTP_LIMITS,
  HTTP_TIMEOUTS,
  READY_BOUNDS,
  STREAM_LIMITS,
  STREAM_TIMEOUTS,
  TLS_BOUNDS,
} from './bounds.ts'

const MS_PER = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const BYTES_PER = { '': 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const

export const DURATION_PATTERN = /^(?<count>\d{1,9})(?<unit>ms|s|m|h)$/
export const SIZE_PATTERN = /^(?<count>\d{1,12})(?<unit>KiB|MiB|GiB|)$/

/** Parses `500ms`, `5s`, `1m` or `2h` to milliseconds; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const { count, unit } = DURATION_PATTERN.exec(text)?.groups ?? {}
  return count === undefined ? undefined : Number(count) * MS_PER[unit as keyof typeof MS_PER]
}

/** Parses `512`, `16KiB`, `1MiB` or `1GiB` to bytes; undefined for any other text. */
export function parseSize(text: string): number | undefined {
  const { count, unit } = SIZE_PATTERN.exec(text)?.groups ?? {}
  return count === undefined ? undefined : Number(count) * BYTES_PER[unit as keyof typeof BYTES_PER]
}

/** The shortest text that `parseDuration` reads as `ms`. */
export function formatDuration(ms: number): string {
  if (ms % MS_PER.h === 0 && ms > 0) return `${ms / MS_PER.h}h`
  if (ms % MS_PER.m === 0 && ms > 0) return `${ms / MS_PER.m}m`
  return ms % MS_PER.s === 0 ? `${ms / MS_PER.s}s` : `${ms}ms`
}

/** The shortest text that `parseSize` reads as `bytes`. */
export function formatSize(bytes: number): string {
  const unit = (['GiB', 'MiB', 'KiB'] as const).find((name) => bytes > 0 && bytes % BYTES_PER[name] === 0)
  return unit === undefined ? `${bytes}` : `${bytes / BYTES_PER[unit]}${unit}`
}

const FORMAT = { ms: formatDuration, bytes: formatSize, count: String } as const
const EXAMPLE = {
  ms: 'a duration such as 500ms, 5s or 1m',
  bytes: 'a size such as 16KiB or 1MiB',
  count: 'a whole number',
} as const

/** Says which values `row` accepts, to complete the sentence "timeouts.idle …". */
export function describeRange(row: Bound): string {
  const format = FORMAT[row.unit]
  return `may be ${EXAMPLE[row.unit]} from ${format(row.min)} to ${format(row.max)}`
}

/** The value as the configuration file has it: a number for a count, text with a unit for the others. */
export function written(row: Bound, value: number): string | number {
  return row.unit === 'count' ? value : FORMAT[row.unit](value)
}

/** A Markdown table of every bound with its default and its range. The README contains it; `--bounds` prints it. */
export function boundsTable(): string {
  const rows = [
    line('', 'drain', DRAIN),
    ...section('http, stream', 'timeouts.', common(HTTP_TIMEOUTS, STREAM_TIMEOUTS)),
    ...section('http', 'timeouts.', only(HTTP_TIMEOUTS, STREAM_TIMEOUTS)),
    ...section('stream', 'timeouts.', only(STREAM_TIMEOUTS, HTTP_TIMEOUTS)),
    ...section('http, stream', 'limits.', common(HTTP_LIMITS, STREAM_LIMITS)),
    ...section('http', 'limits.', only(HTTP_LIMITS, STREAM_LIMITS)),
    ...section('http', 'ready.', READY_BOUNDS),
    ...section('connect', 'timeouts.', CONNECT_TIMEOUTS),
    ...section('connect', 'limits.', CONNECT_LIMITS),
    ...section('http, stream, connect, ops', 'tls.', TLS_BOUNDS),
  ]
  return [
    '| setting | of | default | from | to | what is bounded |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

type Table = Readonly<Record<string, Bound>>

function section(kinds: string, prefix: string, table: Table): string[] {
  return Object.entries(table).map(([name, row]) => line(kinds, `${prefix}${name}`, row))
}

function line(kinds: string, name: string, { unit, standard, min, max, what }: Bound): string {
  const [byDefault, from, to] = [standard, min, max].map((value) => FORMAT[unit](value))
  return `| \`${name}\` | ${kinds || 'the sidecar'} | ${byDefault} | ${from} | ${to} | ${what} |`
}

/** The rows that both tables have with the same meaning. */
function common(table: Table, other: Table): Table {
  return Object.fromEntries(Object.entries(table).filter(([name, row]) => other[name] === row))
}

function only(table: Table, other: Table): Table {
  return Object.fromEntries(Object.entries(table).filter(([name, row]) => other[name] !== row))
}
