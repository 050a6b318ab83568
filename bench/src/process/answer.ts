import { Agent, get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 1
const GIVE_UP_MS = 20_000

/** Where to ask: a port of 127.0.0.1 or a socket. */
export type Where = { readonly port: number } | { readonly socketPath: string }

/** Whether one request over a new connection is answered with 200 now. */
export function answers(where: Where, path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const request = get(
    { ...where, host: '127.0.0.1', path, agent: new Agent(), timeout: 2_000 },
    (response) => {
      response.on('end', () => resolve(response.statusCode === 200)).on('error', () => resolve(false))
      response.resume()
    },
  )
  request.on('timeout', () => request.destroy()).on('error', () => resolve(false))
  return promise
}

/** Asks until there is a 200. */
export async function untilAnswered(where: Where, path: string): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS
  while (!(await answers(where, path))) {
    if (performance.now() > deadline) throw new Error(`no good answer from ${JSON.stringify(where)}${path}`)
    await pause(POLL_MS)
  }
}
