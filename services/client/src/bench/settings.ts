/** What is exchanged: a payload that comes back, or a GET whose body has that size. */
export const BENCH_PROTOCOLS = ['echo', 'http'] as const

export type BenchProtocol = (typeof BENCH_PROTOCOLS)[number]

/** One run: everything but the endpoints. */
export interface Settings {
  readonly protocol: BenchProtocol
  readonly sizeBytes: number
  readonly connections: number
  /**
   * Requests a second over all connections, each timed from the moment when it was due (coordinated omission
   * corrected); null: a closed loop, each connection sending as soon as it has its answer, timed from sending.
   */
  readonly ratePerSecond: number | null
  readonly rounds: number
  /** How long each target is measured in each round. */
  readonly roundMs: number
  /** How long each target runs before anything is counted. */
  readonly warmupMs: number
}
