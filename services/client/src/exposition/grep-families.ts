import type { MetricFamily } from './parse-exposition.ts'

/** The families whose name the pattern matches, whole; of the others, those samples whose labels it matches. */
export function grepFamilies(families: readonly MetricFamily[], pattern: RegExp): MetricFamily[] {
  return families
    .map((family) => (pattern.test(family.name) ? family : { ...family, samples: matching(family, pattern) }))
    .filter(({ samples }) => samples.length > 0)
}

function matching({ samples }: MetricFamily, pattern: RegExp) {
  return samples.filter(
    ({ name, labels }) =>
      pattern.test(name) || Object.entries(labels).some(([key, value]) => pattern.test(`${key}="${value}"`)),
  )
}
