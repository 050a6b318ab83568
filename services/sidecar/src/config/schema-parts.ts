/** The parts that the schema of the configuration file is built from: objects with known settings, and bounds. */
import * as v from 'valibot'
import {
  DURATION_PATTERN,
  describeRange,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
  written,
} from './bound-text.ts'
import type { Bound, GivenBounds } from './bounds.ts'

/** Settings that older versions had, each with the reason why it was removed. */
export type RemovedSettings = Readonly<Record<string, string>>

/**
 * An object with these settings and no others. An unknown setting is a mistake whose message lists the known ones; a
 * removed setting is a mistake whose message says why it was removed.
 */
export function settings<const T extends v.ObjectEntries>(entries: T, removed: RemovedSettings = {}) {
  const known = Object.keys(entries).join(', ')
  // No prototype: otherwise `toString` and `__proto__` would count as settings.
  const own: T = Object.assign(Object.create(null), entries)
  return v.strictObject(own, (issue) => {
    if (issue.expected !== 'never') return `may have the settings ${known}`
    const name = `${issue.path?.at(-1)?.key}`
    return Object.hasOwn(removed, name)
      ? `was removed: ${removed[name]}`
      : `is not a setting here; the known settings are ${known}`
  })
}

/** Like `settings`, and refuses lists: valibot accepts `[]` as an object without settings. */
export function mapping<const T extends v.ObjectEntries>(entries: T) {
  const message = `may have the settings ${Object.keys(entries).join(', ')}`
  return v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), message),
    settings(entries),
  )
}

/** Settings for the bounds of `table`. A bound that is not given takes its default. */
export function boundsSchema<T extends Readonly<Record<string, Bound>>>(table: T) {
  const entries = Object.fromEntries(
    Object.entries(table).map(([name, row]) => [
      name,
      row.isDerived ? derivedBoundSchema(row) : boundSchema(row),
    ]),
  )
  return v.pipe(
    v.optional(mapping(entries), {}),
    v.transform((bounds) => Object.freeze(bounds) as GivenBounds<T>),
  )
}

/** A bound without a default of its own: undefined when it is not given. */
export function derivedBoundSchema(row: Bound) {
  return v.optional(valueSchema(row))
}

/** One bound: milliseconds, bytes or a count within the range of `row`. */
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

/** A number without a unit is never a duration, because 5 could mean seconds or milliseconds. */
function quantity(row: Bound, value: unknown): number | undefined {
  if (typeof value === 'number') return row.unit === 'ms' ? undefined : value
  if (typeof value !== 'string' || row.unit === 'count') return undefined
  return row.unit === 'ms' ? parseDuration(value) : parseSize(value)
}
