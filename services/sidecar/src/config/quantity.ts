const MS_PER = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const BYTES_PER = { '': 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const

export const DURATION_PATTERN = /^(?<count>\d{1,9})(?<unit>ms|s|m|h)$/
export const SIZE_PATTERN = /^(?<count>\d{1,12})(?<unit>KiB|MiB|GiB|)$/

/** Milliseconds of `500ms`, `5s`, `1m` or `2h`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const { count, unit } = DURATION_PATTERN.exec(text)?.groups ?? {}
  return count === undefined ? undefined : Number(count) * MS_PER[unit as keyof typeof MS_PER]
}

/** Bytes of `512`, `16KiB`, `1MiB` or `1GiB`; undefined for any other text. */
export function parseSize(text: string): number | undefined {
  const { count, unit } = SIZE_PATTERN.exec(text)?.groups ?? {}
  return count === undefined ? undefined : Number(count) * BYTES_PER[unit as keyof typeof BYTES_PER]
}

/** The shortest text that `parseDuration` reads as `ms`. */
export function formatDuration(ms: number): string {
  if (ms % MS_PER.h === 0 && ms > 0) return `${ms / MS_PER.h}h`
  if (ms % MS_PER.m === 0 && ms > 0) return `${ms / MS_PER.m}m`
  return ms % MS_PER.s === 0 ? `${ms / MS_PER.s}s` : `${ms}ms`
}

/** The shortest text that `parseSize` reads as `bytes`. */
export function formatSize(bytes: number): string {
  const unit = (['GiB', 'MiB', 'KiB'] as const).find((name) => bytes > 0 && bytes % BYTES_PER[name] === 0)
  return unit === undefined ? `${bytes}` : `${bytes / BYTES_PER[unit]}${unit}`
}
