/** One thing that is wrong in the configuration file. */
export interface Mistake {
  /** Keys and indexes from the top of the file: `['routes', 0, 'listen']`. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** `routes[0].listen` */
export function formatPath(path: Mistake['path']): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  return text.startsWith('.') ? text.slice(1) : text || 'the file'
}

const MAX_LETTERS = 200

/** A value of the file in a message: as JSON where that can say it, and never long. */
export function formatValue(value: unknown): string {
  const text = typeof value === 'number' ? `${value}` : (jsonOf(value) ?? String(value))
  return text.length > MAX_LETTERS ? `${text.slice(0, MAX_LETTERS)}…` : text
}

function jsonOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}` : part))
}
