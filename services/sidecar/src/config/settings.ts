import * as v from 'valibot'

/** Settings that older versions had, each with what became of it. */
export type RemovedSettings = Readonly<Record<string, string>>

/**
 * An object that has these settings and no others. An unknown one is a mistake that names the known ones; a removed one
 * is a mistake that says why it is gone.
 */
export function settings<const T extends v.ObjectEntries>(entries: T, removed: RemovedSettings = {}) {
  const known = Object.keys(entries).join(', ')
  // without a prototype, for `in` would find toString and __proto__ among the settings
  const own: T = Object.assign(Object.create(null), entries)
  return v.strictObject(own, (issue) => {
    if (issue.expected !== 'never') return `may have the settings ${known}`
    const name = `${issue.path?.at(-1)?.key}`
    return Object.hasOwn(removed, name)
      ? `was removed: ${removed[name]}`
      : `is not a setting here; known are ${known}`
  })
}

/** The same where a list could stand, which would pass for an object without a setting. */
export function mapping<const T extends v.ObjectEntries>(entries: T) {
  const message = `may have the settings ${Object.keys(entries).join(', ')}`
  return v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), message),
    settings(entries),
  )
}
