import { setTimeout as pause } from 'node:timers/promises'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { requestJson } from '../http/request-json.ts'
import { type Route, routesSchema } from '../http/routes-schema.ts'
import { type Look, look, socketOf } from './look.ts'
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
    const looks = await lookAtAll(targets, config)
    if (signal.aborted) return
    yield looks.map(([target, seen]) => {
      const { track, news } = follow(tracks.get(target), seen, Date.now())
      tracks.set(target, track)
      return { name: target.name, endpoint: formatEndpoint(target.endpoint), track, news }
    })
    await tick
  }
}

/** Asks first and looks at the sockets then: a socket that came between is seen with the state that it brings. */
async function lookAtAll(targets: readonly Target[], config: ClientConfig): Promise<[Target, Look][]> {
  const states = await Promise.all(targets.map((target) => look(target, LOOK_TIMEOUT_MS)))
  const routes = await routesOf(config)
  const sockets = await Promise.all(targets.map((target) => socketOf(target, routes)))
  return targets.map((target, i) => {
    const { state, ms } = states[i] as Omit<Look, 'socket'>
    return [target, { state, ms, socket: sockets[i] ?? null }]
  })
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
