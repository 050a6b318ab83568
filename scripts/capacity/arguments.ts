import { parseArgs } from 'node:util'
import { DEFAULTS, type Fleet } from './capacity.ts'

interface Option {
  readonly name: string
  readonly of: keyof Fleet
  readonly min: number
  readonly max: number
  readonly what: string
}

const OPTIONS: readonly Option[] = [
  { name: 'requests-per-second', of: 'requestsPerSecond', min: 0, max: 1e6, what: 'through one sidecar' },
  { name: 'connections', of: 'connections', min: 0, max: 1e6, what: 'idle ones to one sidecar' },
  { name: 'series', of: 'series', min: 1, max: 1e6, what: 'that a scrape of one pod returns' },
  { name: 'scrape-interval', of: 'scrapeIntervalS', min: 1, max: 86_400, what: 'in seconds' },
  { name: 'pods', of: 'pods', min: 1, max: 1e7, what: 'with one sidecar each' },
  { name: 'nodes', of: 'nodes', min: 1, max: 1e6, what: 'that the pods are spread over' },
  { name: 'processors', of: 'processors', min: 1, max: 4_096, what: 'of one node' },
  { name: 'memory', of: 'memoryMiB', min: 1, max: 1e6, what: 'limit of one sidecar, in MiB' },
  { name: 'descriptors', of: 'descriptors', min: 1, max: 1e9, what: 'that one sidecar may open (ulimit -n)' },
]

export const USAGE = [
  'node scripts/capacity/main.ts [--OPTION NUMBER]... [--json]',
  ...OPTIONS.map(({ name, of, what }) => `  --${name.padEnd(20)} ${what}; default ${DEFAULTS[of]}`),
  '',
].join('\n')

export interface Arguments {
  readonly fleet: Fleet
  readonly json: boolean
  readonly help: boolean
}

/** @returns a sentence that says what is wrong with the arguments, and what to do. */
export function parseArguments(args: readonly string[]): Arguments | string {
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options: stringOptions() })
  const fleet: { -readonly [Key in keyof Fleet]: number } = { ...DEFAULTS }
  const given = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') return `${JSON.stringify(textOf(token))} is no option: ${SEE}`
    const { name, rawName, value } = token
    if (given.has(name)) return `${rawName} is given twice: give it once`
    given.add(name)
    if (name === 'json' || name === 'help') {
      if (value !== undefined)
        return `${rawName} takes no value, not even ${JSON.stringify(value)}: leave it out`
      continue
    }
    const option = OPTIONS.find((known) => rawName === `--${known.name}`)
    if (option === undefined) return `${JSON.stringify(rawName)} is no option: ${SEE}`
    const number = numberOf(value ?? '', option)
    if (typeof number === 'string') return number
    fleet[option.of] = number
  }
  return { fleet, json: given.has('json'), help: given.has('help') }
}

const SEE = 'see --help'

function stringOptions(): Record<string, { type: 'string' | 'boolean' }> {
  return {
    ...Object.fromEntries(OPTIONS.map(({ name }) => [name, { type: 'string' as const }])),
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  }
}

function textOf(token: { readonly kind: string; readonly value?: string }): string {
  return token.value ?? '--'
}

function numberOf(text: string, { name, min, max }: Option): number | string {
  const number = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  return `--${name} ${JSON.stringify(text)} must be a whole number from ${min} to ${max}, in digits only`
}
