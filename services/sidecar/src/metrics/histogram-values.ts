import { LATENCY_BOUNDS, type Latencies } from './latencies.ts'

export interface HistogramValue {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** The cumulative buckets, the sum and the count of one series. */
export function histogramValues(
  name: string,
  labels: Readonly<Record<string, string>>,
  { counts, sumSeconds }: Latencies,
): HistogramValue[] {
  let count = 0
  const buckets = Array.from(counts, (inBucket, index) => {
    count += inBucket
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: LATENCY_BOUNDS[index] ?? '+Inf' },
      value: count,
    }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
