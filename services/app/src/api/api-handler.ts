import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import express, { type Express, Router } from 'express'
import type { Faults } from '../admin/faults.ts'
import type { Config } from '../config.ts'
import { AppFailure } from '../failures.ts'
import type { Listeners } from '../listeners.ts'
import type { AppMetrics } from '../metrics/app-metrics.ts'
import type { Partner } from '../quote/partner.ts'
import type { RequestLog } from '../request-log.ts'
import type { Visits } from '../visits/visits.ts'
import { notFound, sendProblem } from './problems.ts'

export interface ApiParts {
  readonly config: Config
  readonly visits: Visits
  readonly partner: Partner
  readonly faults: Faults
  readonly listeners: Listeners
  readonly metrics: AppMetrics
  readonly log: Logger
  readonly requests: RequestLog
}

/**
 * The API. The same handlers serve a Unix socket and TCP.
 * @param listener the metric label of its requests
 */
export function apiHandler(listener: string, parts: ApiParts): Express {
  return express()
    .disable('x-powered-by')
    .disable('etag')
    .use(parts.metrics.observe(listener))
    .use(parts.requests.observe(listener))
    .use(parts.faults.handler)
    .use(routes(parts))
    .use(healthRoutes(parts))
    .use(notFound)
    .use(sendProblem(parts.log))
}

function routes({ config, visits, partner, listeners }: ApiParts): Router {
  return Router()
    .get('/status', async (_request, response) => {
      const redis = (await visits.isUp()) ? 'up' : 'down'
      const uptimeSeconds = Math.round(process.uptime() * 1_000) / 1_000
      const sockets = listeners.status()
      response.json({ name: 'app', ...config.build, pid: process.pid, uptimeSeconds, redis, sockets })
    })
    .get('/visits', async (_request, response) => {
      response.json({ visits: await visits.total() })
    })
    .post('/visits', async (_request, response) => {
      response.json({ visits: await visits.add() })
    })
    .get('/quote', async (_request, response) => {
      response.json({ quote: await partner.quote() })
    })
}

/** Not ready while draining. Without Redis only `/visits` fails, and without the partner only `/quote`, so the app stays ready. */
function healthRoutes({ listeners }: ApiParts): Router {
  return Router()
    .get('/-/healthy', (_request, response) => {
      response.json({ status: 'healthy' })
    })
    .get('/-/ready', (_request, response) => {
      if (listeners.draining)
        throw new AppFailure('draining', {
          message: 'the app is shutting down',
          hint: 'try again when the next instance serves',
        })
      response.json({ status: 'ready' })
    })
}
