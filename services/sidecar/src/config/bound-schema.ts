import * as v from 'valibot'
import type { Bound, GivenBounds } from './bounds.ts'
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from './quantity.ts'
import { mapping } from './settings.ts'

type Table = Readonly<Record<string, Bound>>

const FORMAT = { ms: formatDuration, bytes: formatSize, count: String } as const
const EXAMPLE = {
  ms: 'a duration such as 500ms, 5s or 1m',
  bytes: 'a size such as 16KiB or 1MiB',
  count: 'a whole number',
} as const

/** What may be written for `row`. */
export function describeRange(row: Bound): string {
  const format = FORMAT[row.unit]
  return `may be ${EXAMPLE[row.unit]} from ${format(row.min)} to ${format(row.max)}`
}

/** As it stands in the file: a count is a number, the others have a unit. */
export function written(row: Bound, value: number): string | number {
  return row.unit === 'count' ? value : FORMAT[row.unit](value)
}

/** Settings that may give some of the bounds of `table`; the rest take their defaults. */
export function boundsSchema<T extends Table>(table: T) {
  const entries = Object.fromEntries(
    Object.entries(table).map(([name, row]) => [
      name,
      row.isDerived ? v.optional(valueSchema(row)) : boundSchema(row),
    ]),
  )
  return v.pipe(
    v.optional(mapping(entries), {}),
    v.transform((bounds) => Object.freeze(bounds) as GivenBounds<T>),
  )
}

export function boundSchema(row: Bound) {
  return v.optional(valueSchema(row), written(row, row.standard))
}

function valueSchema(row: Bound) {
  const checked = v.rawTransform<unknown, number>(({ dataset, addIssue, NEVER }) => {
    const value = quantity(row, dataset.value)
    if (value !== undefined && Number.isInteger(value) && value >= row.min && value <= row.max) return value
    addIssue({ message: describeRange(row) })
    return NEVER
  })
  const json = {
    ...JSON_TYPES[row.unit],
    description: `${sentence(row.what)} ${sentence(describeRange(row))}`,
    ...(row.isDerived ? { default: row.standard } : {}),
  }
  return v.pipe(v.unknown(), checked, v.metadata({ json }))
}

const JSON_TYPES = {
  ms: { type: 'string', pattern: DURATION_PATTERN.source },
  bytes: { type: ['string', 'integer'], pattern: SIZE_PATTERN.source },
  count: { type: 'integer' },
} as const

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** A bare number is a count or bytes, never a duration: nobody knows whether 5 is 5 s or 5 ms. */
function quantity(row: Bound, value: unknown): number | undefined {
  if (typeof value === 'number') return row.unit === 'ms' ? undefined : value
  if (typeof value !== 'string' || row.unit === 'count') return undefined
  return row.unit === 'ms' ? parseDuration(value) : parseSize(value)
}
