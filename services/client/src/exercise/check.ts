import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'

export type Result = 'ok' | 'differs' | 'not shown'

export interface Observation {
  readonly observed: string
  readonly result: Result
  /** What does not fit a cell: why it is not shown, or the whole of a failure. */
  readonly note?: string
}

/** One line of the exercise: what is done, and what must come of it. */
export interface Check {
  /** The requirement that it shows: S1 to S12 of the design. */
  readonly row: string
  readonly what: string
  readonly endpoint?: Endpoint
  readonly expected: string
  /** May throw: a failure is an observation too, and differs. */
  observe(): Promise<Observation>
}

/** A check with what came of it. */
export type Outcome = Omit<Check, 'observe' | 'endpoint'> & Observation & { readonly endpoint?: string }

export function seen(observed: string, ok: boolean): Observation {
  return { observed, result: ok ? 'ok' : 'differs' }
}

/** This situation cannot show the row; `reason` says plainly why. */
export function notShown(reason: string): Observation {
  return { observed: '-', result: 'not shown', note: reason }
}
