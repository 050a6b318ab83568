import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { request } from '@uds-sidecar/shared/http/request'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { requestJson } from '../http/request-json.ts'
import { type AppStatus, type Route, routesSchema, statusSchema } from '../http/schemas.ts'

export type Result = 'ok' | 'differs' | 'not shown'

export interface Observation {
  readonly observed: string
  readonly result: Result
  /** What does not fit a cell: why it is not shown, or the whole of a failure. */
  readonly note?: string
}

/** One line of the exercise: what is done, and what must come of it. */
export interface Check {
  /** The requirement that it shows: S1 to S12 of the design. */
  readonly row: string
  readonly what: string
  readonly endpoint?: Endpoint
  readonly expected: string
  /** May throw: a failure is an observation too, and differs. */
  observe(): Promise<Observation>
}

/** A check with what came of it. */
export type Outcome = Omit<Check, 'observe' | 'endpoint'> & Observation & { readonly endpoint?: string }

export function seen(observed: string, ok: boolean): Observation {
  return { observed, result: ok ? 'ok' : 'differs' }
}

/** This situation cannot show the row; `reason` says plainly why. */
export function notShown(reason: string): Observation {
  return { observed: '-', result: 'not shown', note: reason }
}

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

/** Runs one check; what it throws is what was observed, and differs. */
export async function runCheck(check: Check): Promise<Outcome> {
  const { row, what, endpoint, expected } = check
  const observation = await check.observe().catch(unexpected)
  const where = endpoint === undefined ? {} : { endpoint: formatEndpoint(endpoint) }
  return { row, what, ...where, expected, ...observation }
}

function unexpected(error: unknown): Observation {
  if (!(error instanceof Failure) && !(error instanceof CliError)) throw error
  return { ...seen(error.code, false), note: `${error.message}; ${error.hint}` }
}

/** What must be refused: ok only if `attempt` fails with exactly this code. */
export async function refusal(code: FailureCode, attempt: () => Promise<unknown>): Promise<Observation> {
  try {
    await attempt()
    return seen('it was let through', false)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return seen(
      error.errno === undefined ? error.code : `${error.code} (${error.errno})`,
      error.code === code,
    )
  }
}

interface OkRequest {
  readonly row: string
  readonly endpoint: Endpoint
  readonly what: string
  readonly path: string
  readonly host?: string
}

/** A GET whose response must be a 200. */
export function expectOkStatus({ row, endpoint, what, path, host }: OkRequest): Check {
  return {
    row,
    what,
    endpoint,
    expected: '200',
    async observe() {
      const { status } = await request(endpoint, {
        path,
        ...(host === undefined ? {} : { headers: { host } }),
      })
      return seen(String(status), status === 200)
    },
  }
}
