import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { request } from '@uds-sidecar/shared/http/request'
import type { Access } from '../access/access.ts'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { requestJson } from '../http/request-json.ts'
import { type AppStatus, type Route, routesSchema, statusSchema } from '../http/schemas.ts'

export type Result = 'ok' | 'differs' | 'not shown'

export interface Observation {
  readonly observed: string
  readonly result: Result
  /** Text too long for a cell: why it is not shown, or the full failure. */
  readonly note?: string
}

/** One line of the exercise: an action and its expected outcome. */
export interface Check {
  /** The requirement that it shows: S1 to S12 of the design. */
  readonly row: string
  readonly what: string
  readonly endpoint?: Endpoint
  readonly expected: string
  /** May throw a Failure or CliError, which counts as a difference. */
  observe(): Promise<Observation>
}

/** A check with its outcome. */
export type Outcome = Omit<Check, 'observe' | 'endpoint'> & Observation & { readonly endpoint?: string }

export function seen(observed: string, ok: boolean): Observation {
  return { observed, result: ok ? 'ok' : 'differs' }
}

/** The row cannot be shown in this situation, for this reason. */
export function notShown(reason: string): Observation {
  return { observed: '-', result: 'not shown', note: reason }
}

/** What the expectations depend on, found out once before the exercise starts. */
export interface Situation {
  readonly config: ClientConfig
  /** From the command line: a Redis that is down unexpectedly must differ. */
  readonly expectRedis: 'up' | 'down'
  /** What the app reports over its socket; undefined if the request failed, which S1 then shows. */
  readonly status: AppStatus | undefined
  /** The routes of the sidecar; undefined if the request failed, which S7 then shows. */
  readonly routes: readonly Route[] | undefined
  /** How to reach each endpoint. */
  readonly access: Access
}

export async function lookAround(
  config: ClientConfig,
  expectRedis: 'up' | 'down',
  access: Access,
): Promise<Situation> {
  const [status, routes] = await Promise.all([
    unlessFailed(requestJson(config.api, statusSchema, { ...access(config.api), path: '/status' })),
    unlessFailed(requestJson(config.ops, routesSchema, { ...access(config.ops), path: '/routes' })),
  ])
  return { config, expectRedis, status, routes, access }
}

async function unlessFailed<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending
  } catch (error) {
    if (error instanceof Failure || error instanceof CliError) return undefined
    throw error
  }
}

/** Runs one check. A Failure or CliError that it throws becomes the observation, and differs. */
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

/** Something that must be refused: ok only if `attempt` fails with exactly this code. */
export async function refusal(code: FailureCode, attempt: () => Promise<unknown>): Promise<Observation> {
  try {
    await attempt()
    return seen('it was allowed', false)
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
  readonly access: Access
}

/** A GET whose response must be a 200. */
export function expectOkStatus({ row, endpoint, what, path, host, access }: OkRequest): Check {
  return {
    row,
    what,
    endpoint,
    expected: '200',
    async observe() {
      const { tls, headers } = access(endpoint)
      const sent = host === undefined ? headers : { ...headers, host }
      const { status } = await request(endpoint, { path, tls, headers: sent })
      return seen(String(status), status === 200)
    },
  }
}
