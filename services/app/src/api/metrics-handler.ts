import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import express, { type Express } from 'express'
import type { Faults } from '../admin/faults.ts'
import type { AppMetrics } from '../metrics/app-metrics.ts'
import { notFound, sendProblem } from './problems.ts'

/** `GET /metrics` in the Prometheus text format 0.0.4. */
export function metricsHandler(metrics: AppMetrics, faults: Faults, log: Logger): Express {
  return express()
    .disable('x-powered-by')
    .disable('etag')
    .use(metrics.observe('metrics'))
    .get('/metrics', faults.handler, async (_request, response) => {
      response.set('content-type', metrics.contentType).end(await metrics.exposition())
    })
    .use(notFound)
    .use(sendProblem(log))
}
