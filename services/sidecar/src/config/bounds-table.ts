import { type Bound, DRAIN, HTTP_LIMITS, HTTP_TIMEOUTS, STREAM_LIMITS, STREAM_TIMEOUTS } from './bounds.ts'
import { formatDuration, formatSize } from './quantity.ts'

const FORMAT = { ms: formatDuration, bytes: formatSize, count: String } as const

/** Every bound with its default and its range, as a table in Markdown; the README has it. */
export function boundsTable(): string {
  const rows = [
    line('', 'drain', DRAIN),
    ...section('http, stream', 'timeouts.', common(HTTP_TIMEOUTS, STREAM_TIMEOUTS)),
    ...section('http', 'timeouts.', only(HTTP_TIMEOUTS, STREAM_TIMEOUTS)),
    ...section('stream', 'timeouts.', only(STREAM_TIMEOUTS, HTTP_TIMEOUTS)),
    ...section('http, stream', 'limits.', common(HTTP_LIMITS, STREAM_LIMITS)),
    ...section('http', 'limits.', only(HTTP_LIMITS, STREAM_LIMITS)),
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

/** The rows of `table` that `other` has too, and that mean the same there. */
function common(table: Table, other: Table): Table {
  return Object.fromEntries(Object.entries(table).filter(([name, row]) => other[name] === row))
}

function only(table: Table, other: Table): Table {
  return Object.fromEntries(Object.entries(table).filter(([name, row]) => other[name] !== row))
}
