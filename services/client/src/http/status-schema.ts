import * as v from 'valibot'

/** What the exercise leans on in the app's `/status`; the app may say more. */
export const statusSchema = v.object({
  name: v.string(),
  pid: v.number(),
  redis: v.picklist(['up', 'down']),
  sockets: v.array(v.object({ name: v.string(), endpoint: v.string() })),
})

export type AppStatus = v.InferOutput<typeof statusSchema>
