import { visible } from '@uds-sidecar/shared/text/visible'
import { type Palette, table } from '../output/text.ts'
import type { MetricFamily, Sample } from './parse-exposition.ts'
import type { Labels } from './read-line.ts'

/** Whole families whose name matches; of other families, the samples whose name or labels match. */
export function grepFamilies(families: readonly MetricFamily[], pattern: RegExp): MetricFamily[] {
  return families.flatMap((family) => {
    if (pattern.test(family.name)) return [family]
    const samples = matching(family, pattern)
    return samples.length === 0 ? [] : [{ ...family, samples }]
  })
}

function matching({ samples }: MetricFamily, pattern: RegExp) {
  return samples.filter(
    ({ name, labels }) =>
      pattern.test(name) || Object.entries(labels).some(([key, value]) => pattern.test(`${key}="${value}"`)),
  )
}

/** Metrics as text: a heading for each family, its samples indented below, values in one column. */
export function formatFamilies(families: readonly MetricFamily[], { strong, faint }: Palette): string {
  return families
    .flatMap(({ name, type, help, unit, samples }) => {
      const what = unit === undefined ? type : `${type} in ${unit}`
      const heading = `${strong(visible(name))} ${faint(visible(`${what} - ${help}`))}`
      return samples.length === 0 ? [heading] : [heading, table(samples.map(rowOf))]
    })
    .join('\n')
}

function rowOf(sample: Sample): string[] {
  const { value, timestamp = '', exemplar } = sample
  const example =
    exemplar === undefined
      ? ''
      : ['#', labelsOf('', exemplar.labels), exemplar.value, exemplar.timestamp ?? ''].join(' ').trimEnd()
  return [`  ${seriesOf(sample)}`, value, timestamp, example].map(visible)
}

const PLAIN_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const PLAIN_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** As in the exposition format: a name with special characters is quoted, inside the braces. */
function seriesOf({ name, labels }: Sample): string {
  if (!PLAIN_METRIC.test(name)) return labelsOf(JSON.stringify(name), labels)
  return Object.keys(labels).length === 0 ? name : `${name}${labelsOf('', labels)}`
}

function labelsOf(first: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([key, value]) => `${PLAIN_LABEL.test(key) ? key : JSON.stringify(key)}=${JSON.stringify(value)}`,
  )
  return `{${[...(first === '' ? [] : [first]), ...pairs].join(',')}}`
}
