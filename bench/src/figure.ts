import type { Seen } from './load/wrk.ts'

/** What one round of one candidate under one load brought. */
export interface Round extends Seen {
  /** CPU time of all of the candidate's processes, user and system. */
  readonly cpuUsPerRequest: number
  /** Of all of the candidate's processes, in the middle of the round. */
  readonly rssBytes: number
}

export interface LoadShape {
  /** Of the body. */
  readonly bytes: number
  readonly connections: number
  /** One request per connection. */
  readonly close: boolean
  /** Null: a closed loop. */
  readonly ratePerSecond: number | null
}

export interface Figure {
  readonly candidate: string
  readonly load: LoadShape
  readonly rounds: Round[]
}
