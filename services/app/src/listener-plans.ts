import type { RequestListener } from 'node:http'
import { descriptorLimit } from '@uds-sidecar/shared/inspect/descriptor-limit'
import express, { type Express } from 'express'
import { adminHandler, Callers } from './admin/admin-handler.ts'
import { type ApiParts, apiHandler } from './api/api-handler.ts'
import { notFound, sendProblem } from './api/problems.ts'
import { createEchoServer } from './echo/echo-server.ts'
import { createHttpServer, MAX_CONNECTIONS } from './http-server.ts'
import type { ListenerPlan } from './listeners.ts'

const OWNER_ONLY = 0o600

const MOST_LISTENERS = 5
/** Descriptors for Node itself, Redis, locks, and files that are being read. */
const OWN_DESCRIPTORS = 64

/** How many connections each listener may have, so that the descriptors are enough for all. */
export function connectionsPerListener(limit = descriptorLimit()): number {
  if (limit === null) return MAX_CONNECTIONS
  const share = Math.floor((limit - OWN_DESCRIPTORS) / MOST_LISTENERS)
  return Math.min(MAX_CONNECTIONS, Math.max(share, 16))
}

/** What the app serves, and on which endpoints. */
export function listenerPlans(parts: ApiParts): ListenerPlan[] {
  const { config, faults, log } = parts
  const connections = connectionsPerListener()
  const serve = (handler: RequestListener) => createHttpServer(handler, connections)
  const callers = new Callers()
  const admin = callers.watch(serve(adminHandler({ enabled: config.chaos, faults, log, callers })))
  const plans = [
    { name: 'metrics', endpoint: config.metrics, server: serve(metricsHandler(parts)) },
    { name: 'api', endpoint: config.api, server: serve(apiHandler('api', parts)) },
    { name: 'admin', endpoint: config.admin, server: admin, mode: OWNER_ONLY },
    echoPlan(config.echo, connections),
  ]
  if (config.tcp === undefined) return plans
  return [...plans, { name: 'tcp', endpoint: config.tcp, server: serve(apiHandler('tcp', parts)) }]
}

/** `GET /metrics` in the Prometheus text format 0.0.4. */
function metricsHandler({ metrics, faults, log, requests }: ApiParts): Express {
  return express()
    .disable('x-powered-by')
    .disable('etag')
    .use(metrics.observe('metrics'))
    .use(requests.observe('metrics'))
    .get('/metrics', faults.handler, async (_request, response) => {
      response.set('content-type', metrics.contentType).end(await metrics.exposition())
    })
    .use(notFound)
    .use(sendProblem(log))
}

function echoPlan(endpoint: ListenerPlan['endpoint'], connections: number): ListenerPlan {
  const draining = new AbortController()
  return {
    name: 'echo',
    endpoint,
    server: createEchoServer(draining.signal, connections),
    drain: () => draining.abort(),
  }
}
