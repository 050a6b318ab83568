import * as v from 'valibot'

/** What `/visits` answers. */
export const visitsSchema = v.object({ visits: v.pipe(v.number(), v.integer()) })
