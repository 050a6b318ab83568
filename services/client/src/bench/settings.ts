const UNITS = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const

type Unit = keyof typeof UNITS

/** `64 B`, `1 KiB`, `1 MiB`: in the largest unit that gives a whole number. */
export function formatSize(bytes: number): string {
  const unit = (['MiB', 'KiB'] as const).find((one) => bytes % UNITS[one] === 0) ?? 'B'
  return `${bytes / UNITS[unit]} ${unit}`
}

/** Parses `64`, `64B`, `16KiB` or `1MiB`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const { count, unit = 'B' } = /^(?<count>\d{1,9})\s*(?<unit>B|KiB|MiB)?$/.exec(text)?.groups ?? {}
  return count === undefined ? undefined : Number(count) * UNITS[unit as Unit]
}

/** `echo`: a payload that is sent back. `http`: a GET and a body of that size. */
export const BENCH_PROTOCOLS = ['echo', 'http'] as const

export type BenchProtocol = (typeof BENCH_PROTOCOLS)[number]

/** A small message shows the latency of the transport best. */
export const DEFAULT_SIZE_BYTES = 64

/** Settings of one run, without its endpoints. */
export interface Settings {
  readonly protocol: BenchProtocol
  /** Size of a payload or a body; null when the stack decides the size of its response. */
  readonly sizeBytes: number | null
  readonly connections: number
  /**
   * Requests per second over all connections; the time of each counts from when it was due (coordinated omission
   * corrected). Null: a closed loop, in which each connection sends as soon as it has its response, and the time counts
   * from sending.
   */
  readonly ratePerSecond: number | null
  readonly rounds: number
  /** How long each target is measured per round. */
  readonly roundMs: number
  /** How long each target runs before measuring starts. */
  readonly warmupMs: number
}
