import type { Palette } from '../output/style.ts'
import { table } from '../output/table.ts'
import type { MetricFamily, Sample } from './parse-exposition.ts'

/** Metrics for a person: a heading for each, its samples indented below, values in one column. */
export function formatFamilies(families: readonly MetricFamily[], { strong, faint }: Palette): string {
  return families
    .map(({ name, type, help, samples }) => {
      const heading = `${strong(name)} ${faint(`${type} - ${help}`)}`
      return `${heading}\n${table(samples.map((sample) => [`  ${seriesOf(sample)}`, sample.value]))}`
    })
    .join('\n')
}

function seriesOf({ name, labels }: Sample): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`
}
