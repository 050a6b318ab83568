import { CANDIDATES } from './candidates.ts'

export interface Settings {
  readonly suites: readonly string[]
  readonly candidates: readonly string[]
  readonly rounds: number
}

/**
 * BENCH_SUITES and BENCH_CANDIDATES: names separated by commas; all of them when not set. BENCH_ROUNDS: how often each
 * is measured, 5 when not set.
 * @throws Error that names the variable, what it was and what it may be
 */
export function loadSettings(env: NodeJS.ProcessEnv, suites: readonly string[]): Settings {
  const candidates = CANDIDATES.map(({ name }) => name)
  return {
    suites: chosen('BENCH_SUITES', env, suites),
    candidates: chosen('BENCH_CANDIDATES', env, candidates),
    rounds: wholeNumber('BENCH_ROUNDS', env, 5),
  }
}

function chosen(variable: string, env: NodeJS.ProcessEnv, known: readonly string[]): readonly string[] {
  const names = env[variable]?.split(',') ?? known
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`${variable} has ${unknown.join(', ')}; it may have ${known.join(', ')}`)
  return names
}

function wholeNumber(variable: string, env: NodeJS.ProcessEnv, fallback: number): number {
  const text = env[variable] ?? `${fallback}`
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new Error(`${variable} is ${text}; it may be a whole number from 1 to 9999`)
}
