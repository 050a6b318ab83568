/** What must never happen. */
export const VIOLATIONS = [
  'two_owners',
  'no_owner',
  'path_missing',
  'wrong_mode',
  'wrong_owner_responds',
  'connection_failed',
  'request_failed',
  'incumbent_displaced',
  'intrusion',
  'left_behind',
  'hung',
] as const

export type Violation = (typeof VIOLATIONS)[number]

/** What a scenario found: counts of each violation and of what happened besides. */
export class Tally {
  readonly violations: Partial<Record<Violation, number>> = {}
  readonly seen: Record<string, number> = {}
  rounds = 0
  /** Rounds in which something was violated. */
  badRounds = 0
  #inRound = 0

  violation(kind: Violation, times = 1): void {
    if (times === 0) return
    this.violations[kind] = (this.violations[kind] ?? 0) + times
    this.#inRound += times
  }

  count(what: string, times = 1): void {
    this.seen[what] = (this.seen[what] ?? 0) + times
  }

  endRound(): void {
    this.rounds++
    if (this.#inRound > 0) this.badRounds++
    this.#inRound = 0
  }

  get total(): number {
    return Object.values(this.violations).reduce((sum, times) => sum + times, 0)
  }
}
