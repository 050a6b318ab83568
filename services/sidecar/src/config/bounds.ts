/** What a bound counts: milliseconds (written `5s`), bytes (written `16KiB`), or things. */
export type Unit = 'ms' | 'bytes' | 'count'

/** One row of the table of bounds: the schema, the defaults and the documentation all come from it. */
export interface Bound {
  readonly unit: Unit
  readonly standard: number
  readonly min: number
  readonly max: number
  /** What is bounded, and what happens past it. */
  readonly what: string
}

function bound(unit: Unit, standard: number, min: number, max: number, what: string): Bound {
  return { unit, standard, min, max, what }
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const connect = bound(
  'ms',
  SECOND,
  10,
  MINUTE,
  'until the upstream accepts a connection; then upstream_timeout',
)

const connections = bound('count', 4_096, 1, 1_000_000, 'client connections at a time; then overloaded')

const connectionsPerAddress = bound(
  'count',
  1_024,
  1,
  1_000_000,
  'client connections of one address at a time; then overloaded',
)

export const STREAM_TIMEOUTS = {
  connect,
  idle: bound('ms', 10 * MINUTE, 100, 24 * HOUR, 'without a byte in either direction; then client_timeout'),
} as const

export const STREAM_LIMITS = { connections, connectionsPerAddress } as const

/** For the whole sidecar: how long the connections that are in use may go on after SIGTERM. */
export const DRAIN = bound(
  'ms',
  5 * SECOND,
  0,
  10 * MINUTE,
  'after SIGTERM for what is in flight; then the connections are reset',
)

export type Bounds<T extends Readonly<Record<string, Bound>>> = Readonly<Record<keyof T, number>>

/** Every bound at its default. */
export function standardBounds<T extends Readonly<Record<string, Bound>>>(table: T): Bounds<T> {
  const entries = Object.entries(table).map(([name, row]) => [name, row.standard])
  return Object.fromEntries(entries) as Bounds<T>
}
