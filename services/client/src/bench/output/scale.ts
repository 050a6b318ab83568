/** Maps a value to a place on an axis. */
export type Scale = (value: number) => number

/** Logarithmic from `[low, high]` to `[from, to]`. */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const span = Math.log10(high) - Math.log10(low)
  return (value) => from + ((Math.log10(value) - Math.log10(low)) / span) * (to - from)
}

/** How many nines a percentile has: 90 is 1, 99 is 2, 99.9 is 3. It spreads the tail, where the interest is. */
export function ninesOf(percent: number): number {
  return -Math.log10(1 - percent / 100)
}

export function percentOf(nines: number): number {
  return 100 * (1 - 10 ** -nines)
}

/** The powers of ten that enclose both numbers. */
export function decadesAround(low: number, high: number): readonly [number, number] {
  const from = 10 ** Math.floor(Math.log10(low))
  const to = 10 ** Math.ceil(Math.log10(high))
  return [from, to > from ? to : from * 10]
}
