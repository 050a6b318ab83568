import type { Exchanger } from '../exchange/exchanger.ts'
import type { Target } from '../target.ts'

/** What a load generator is given: who asks, until when, and where to say how it went. */
export interface Load {
  readonly target: Target
  readonly exchangers: readonly Exchanger[]
  /** Milliseconds. No request begins later. */
  readonly durationMs: number
  readonly signal: AbortSignal
  /** @param ms from sending, or from when the request was due */
  readonly answered: (ms: number) => void
  readonly failed: (error: unknown) => void
}

/** An answer that takes longer than this after the end is given up. */
export const STRAGGLER_MS = 5_000
