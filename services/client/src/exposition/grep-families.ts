import type { MetricFamily } from './parse-exposition.ts'

/** The families whose name the pattern matches, whole; of the others, those samples whose labels it matches. */
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
