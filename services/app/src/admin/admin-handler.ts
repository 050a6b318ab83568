import { LOG_LEVELS, type Logger } from '@uds-sidecar/shared/lifecycle/log'
import express, { type Express, type Request, type RequestHandler, Router } from 'express'
import { notFound, sendProblem } from '../api/problems.ts'
import { AppFailure } from '../failures.ts'
import type { Faults } from './faults.ts'

const MAX_DELAY_MS = 60_000

export interface AdminParts {
  /** Whether the routes are served (APP_CHAOS=on). If not, every request gets 403 `feature_off`. */
  readonly enabled: boolean
  readonly faults: Faults
  readonly log: Logger
}

/** The routes for the owner of the process only: fault injection and log level. */
export function adminHandler({ enabled, faults, log }: AdminParts): Express {
  const app = express().disable('x-powered-by')
  app.use(enabled ? adminRoutes(faults, log) : refuse)
  return app.use(notFound).use(sendProblem(log))
}

function adminRoutes(faults: Faults, log: Logger): Router {
  return Router()
    .post('/chaos/delay', (request, response) => {
      faults.delayMs = delayOf(request)
      log.warn({ delayMs: faults.delayMs }, 'fault injected: delay')
      response.status(204).end()
    })
    .post('/chaos/hang', (request, response) => {
      faults.hanging = oneOf(request, 'on', ['true', 'false'] as const, 'true') === 'true'
      log.warn({ hanging: faults.hanging }, 'fault injected: hang')
      response.status(204).end()
    })
    .post('/chaos/crash', () => faults.crash())
    .put('/log-level', (request, response) => {
      log.level = oneOf(request, 'level', LOG_LEVELS)
      response.status(204).end()
    })
}

const refuse: RequestHandler = () => {
  throw new AppFailure('feature_off', {
    message: 'fault injection and log level are switched off',
    hint: 'start the app with APP_CHAOS=on',
  })
}

function delayOf(request: Request): number {
  const text = String(request.query.ms)
  const ms = Number(text)
  if (/^\d+$/.test(text) && ms <= MAX_DELAY_MS) return ms
  throw badQuery('ms', text, `a whole number from 0 to ${MAX_DELAY_MS}`)
}

function oneOf<const T extends string>(
  request: Request,
  name: string,
  values: readonly T[],
  standard?: T,
): T {
  const given = request.query[name] ?? standard
  const value = values.find((candidate) => candidate === given)
  if (value !== undefined) return value
  throw badQuery(name, String(given), values.join(', '))
}

function badQuery(name: string, value: string, allowed: string): AppFailure {
  return new AppFailure('bad_request', {
    message: `query parameter ${name} is ${JSON.stringify(value.slice(0, 100))}`,
    hint: `${name} may be ${allowed}`,
  })
}
