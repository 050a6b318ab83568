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
