import { Failure } from '@uds-sidecar/shared/failure/failure'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { requestJson } from '../http/request-json.ts'
import { type Route, routesSchema } from '../http/routes-schema.ts'
import { type AppStatus, statusSchema } from '../http/status-schema.ts'

/** What the expectations of an exercise depend on, found out once before it begins. */
export interface Situation {
  readonly config: ClientConfig
  /** What the caller says about Redis, so that a Redis that is away by mistake differs. */
  readonly expectRedis: 'up' | 'down'
  /** The app's own word, over its socket; undefined when it gives none, which S1 then reports. */
  readonly status: AppStatus | undefined
  /** The sidecar's routes; undefined when it does not tell, which S7 then reports. */
  readonly routes: readonly Route[] | undefined
}

export async function lookAround(config: ClientConfig, expectRedis: 'up' | 'down'): Promise<Situation> {
  const [status, routes] = await Promise.all([
    unlessFailed(requestJson(config.api, statusSchema, { path: '/status' })),
    unlessFailed(requestJson(config.ops, routesSchema, { path: '/routes' })),
  ])
  return { config, expectRedis, status, routes }
}

async function unlessFailed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Failure || error instanceof CliError) return undefined
    throw error
  }
}
