import * as v from 'valibot'

/** An object that has these settings and no others; an unknown one is a mistake that names those that there are. */
export function settings<const T extends v.ObjectEntries>(entries: T) {
  const known = Object.keys(entries).join(', ')
  return v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? `is not a setting here; known are ${known}`
      : `may have the settings ${known}`,
  )
}
