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
