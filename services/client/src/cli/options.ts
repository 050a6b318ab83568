import { usageError } from './cli-error.ts'

export interface Flag {
  readonly kind: 'flag'
  readonly short?: string
  readonly summary: string
}

export interface Valued<T> {
  readonly kind: 'value'
  readonly short?: string
  readonly summary: string
  /** Name of the value in help: `N`, `FILE`. */
  readonly placeholder: string
  /** The allowed values, if they are a closed set; completion offers them. */
  readonly choices?: readonly string[]
  /** @throws CliError `usage` that says which values are allowed */
  readonly read: (text: string, option: string) => T
  readonly fallback: T
}

// biome-ignore lint/suspicious/noExplicitAny: T is used as input and as output, so no single type fits all options
export type Options = Readonly<Record<string, Flag | Valued<any>>>

export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Valued<infer T> ? T : boolean
}

/** Options of every command. */
export const COMMON_OPTIONS = {
  json: { kind: 'flag', summary: 'write JSON' },
  help: { kind: 'flag', short: 'h', summary: 'show this help' },
} as const satisfies Options

export function wholeNumber(min: number, max: number): Valued<number>['read'] {
  return (text, option) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw usageError(`${option} is ${JSON.stringify(text)}`, `it may be a whole number from ${min} to ${max}`)
  }
}

export function oneOf<const T extends string>(choices: readonly T[]): Pick<Valued<T>, 'choices' | 'read'> {
  const read = (text: string, option: string): T => {
    const chosen = choices.find((choice) => choice === text)
    if (chosen !== undefined) return chosen
    throw usageError(`${option} is ${JSON.stringify(text)}`, `it may be ${choices.join(', ')}`)
  }
  return { choices, read }
}

/** Time limit of one request, with its response. */
export const TIMEOUT_OPTION = {
  kind: 'value',
  placeholder: 'MS',
  summary: 'give up after this many milliseconds',
  read: wholeNumber(1, 600_000),
  fallback: 5_000,
} as const satisfies Valued<number>
