/** One mistake in the configuration file. */
export interface Mistake {
  /** Keys and indexes from the top of the file, such as `['routes', 0, 'listen']`. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** A setting and where it stands. */
export interface Entry {
  readonly value: unknown
  readonly path: Mistake['path']
}

/** The setting `key` of `row`, which may be no mapping at all. */
export function entryAt(row: unknown, place: Mistake['path'], key: string): Entry {
  const value = typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[key] : undefined
  return { value, path: [...place, key] }
}
