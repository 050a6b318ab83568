import { CANDIDATES } from '../candidates/all.ts'
import type { Figure, LoadShape, Round } from '../figure.ts'
import { type Spread, spreadOf } from './spread.ts'

/** The figures of one load, in the order of the candidates. */
export function figuresOf(all: readonly Figure[], wanted: Partial<LoadShape>): Figure[] {
  const fits = ({ load }: Figure) =>
    Object.entries(wanted).every(([key, value]) => load[key as keyof LoadShape] === value)
  return all.filter(fits).toSorted((a, b) => rank(a) - rank(b))
}

function rank({ candidate }: Figure): number {
  return CANDIDATES.findIndex(({ name }) => name === candidate)
}

export function spreadIn({ rounds }: Figure, value: (round: Round) => number): Spread {
  return spreadOf(rounds.map(value))
}

export function isOurs(candidate: string): boolean {
  return candidate.startsWith('sidecar')
}

export function sizeName(bytes: number): string {
  return bytes < 1_024 ? `${bytes} B` : `${Math.round(bytes / 1_024)} KiB`
}

export function hasFailed({ rounds }: Figure): boolean {
  return rounds.some(({ failures }) => failures > 0)
}
