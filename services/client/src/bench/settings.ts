const UNITS = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const

type Unit = keyof typeof UNITS

/** `64 B`, `1 KiB`, `1 MiB`: in the largest unit that divides it. */
export function formatSize(bytes: number): string {
  const unit = (['MiB', 'KiB'] as const).find((one) => bytes % UNITS[one] === 0) ?? 'B'
  return `${bytes / UNITS[unit]} ${unit}`
}

/** Reads `64`, `64B`, `16KiB` or `1MiB`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const { count, unit = 'B' } = /^(?<count>\d{1,9})\s*(?<unit>B|KiB|MiB)?$/.exec(text)?.groups ?? {}
  return count === undefined ? undefined : Number(count) * UNITS[unit as Unit]
}

/** What is exchanged: a payload that comes back, or a GET whose body has that size. */
export const BENCH_PROTOCOLS = ['echo', 'http'] as const

export type BenchProtocol = (typeof BENCH_PROTOCOLS)[number]

/** A small message: what latency is made of shows best. */
export const DEFAULT_SIZE_BYTES = 64

/** One run: everything but the endpoints. */
export interface Settings {
  readonly protocol: BenchProtocol
  /** Of a payload or a body; null where the stack's own answer is asked for, whatever size that has. */
  readonly sizeBytes: number | null
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
