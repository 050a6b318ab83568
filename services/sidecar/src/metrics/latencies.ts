/** Upper bounds in seconds; what takes longer counts in the sum and the total alone. */
export const LATENCY_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const

/** A histogram of durations. */
export class Latencies {
  /** How many fell between the bound before and this one; past the last bound at the end. */
  readonly counts = new Float64Array(LATENCY_BOUNDS.length + 1)
  sumSeconds = 0

  observe(seconds: number): void {
    let index = 0
    while (index < LATENCY_BOUNDS.length && seconds > (LATENCY_BOUNDS[index] as number)) index++
    this.counts[index] = (this.counts[index] as number) + 1
    this.sumSeconds += seconds
  }
}
