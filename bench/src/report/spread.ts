import { median } from '../median.ts'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spreadOf(numbers: readonly number[]): Spread {
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) }
}

/** `21 (19–24)` */
export function show({ median: middle, min, max }: Spread): string {
  return min === max ? digits(middle) : `${digits(middle)} (${digits(min)}–${digits(max)})`
}

/** Three digits that count. */
export function digits(value: number): string {
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: places })
}
