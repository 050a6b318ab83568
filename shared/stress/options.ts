import { parseArgs } from 'node:util'

export interface StressOptions {
  /** Processes that start at the same time. */
  readonly starters: number
  /** Rounds of each scenario; a quarter of that for a live incumbent. */
  readonly rounds: number
  /** Each starter waits a random time, up to this, before it begins. */
  readonly jitterMs: number
  /** The same seed gives the same delays and victims, but not the same scheduling. */
  readonly seed: number
  /** Names of scenarios; empty means all. */
  readonly only: readonly string[]
}

export const USAGE = `usage: npm run stress -- [--starters N] [--rounds N] [--jitter-ms MS] [--seed N] [--only NAME,NAME]`

/** @throws Error that names an unknown option or a value out of range */
export function parseOptions(args: readonly string[]): StressOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      starters: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '200' },
      'jitter-ms': { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string', default: '' },
    },
  })
  return {
    starters: number('starters', values.starters, 2, 100),
    rounds: number('rounds', values.rounds, 1, 10_000),
    jitterMs: number('jitter-ms', values['jitter-ms'], 0, 1_000),
    seed: number('seed', values.seed, 0, 2 ** 31),
    only: values.only.split(',').filter((name) => name !== ''),
  }
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`--${name} is ${JSON.stringify(text)} and may be a whole number from ${min} to ${max}`)
}
