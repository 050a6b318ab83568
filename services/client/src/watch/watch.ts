import { setTimeout as pause } from 'node:timers/promises'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { requestJson } from '../http/request-json.ts'
import { type Route, routesSchema } from '../http/routes-schema.ts'
import { look } from './look.ts'
import { type Target, targetsOf } from './target.ts'
import { follow, type News, type Track } from './track.ts'

/** One target at one moment. */
export interface Watched {
  readonly name: string
  readonly endpoint: string
  readonly track: Track
  readonly news: readonly News[]
}

interface Pace {
  readonly intervalMs: number
  readonly signal: AbortSignal
}

/** A look may take longer than the interval; the next then waits for it. */
const LOOK_TIMEOUT_MS = 1_000

/** Looks at every target once each `intervalMs` and yields them all, until the signal aborts. */
export async function* watch(config: ClientConfig, { intervalMs, signal }: Pace): AsyncGenerator<Watched[]> {
  const targets = targetsOf(config)
  const tracks = new Map<Target, Track>()
  while (!signal.aborted) {
    const tick = pause(intervalMs, undefined, { signal }).catch(() => undefined)
    const routes = await routesOf(config)
    const looks = await Promise.all(
      targets.map(async (target) => [target, await look(target, routes, LOOK_TIMEOUT_MS)] as const),
    )
    if (signal.aborted) return
    yield looks.map(([target, seen]) => {
      const { track, news } = follow(tracks.get(target), seen, Date.now())
      tracks.set(target, track)
      return { name: target.name, endpoint: formatEndpoint(target.endpoint), track, news }
    })
    await tick
  }
}

/** None when the sidecar does not tell: its own target shows why. */
async function routesOf({ ops }: ClientConfig): Promise<readonly Route[]> {
  try {
    return await requestJson(ops, routesSchema, { path: '/routes', timeoutMs: LOOK_TIMEOUT_MS })
  } catch (error) {
    if (error instanceof Failure || error instanceof CliError) return []
    throw error
  }
}
