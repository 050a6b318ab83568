import type { RequestListener } from 'node:http'
import { descriptorLimit } from '@uds-sidecar/shared/inspect/descriptor-limit'
import { adminHandler, Callers } from './admin/admin-handler.ts'
import { type ApiParts, apiHandler } from './api/api-handler.ts'
import { metricsHandler } from './api/metrics-handler.ts'
import { createEchoServer } from './echo/echo-server.ts'
import { createHttpServer, MAX_CONNECTIONS } from './http-server.ts'
import type { ListenerPlan } from './listeners.ts'

const OWNER_ONLY = 0o600

const MOST_LISTENERS = 5
/** Node's own, Redis, locks, and files while they are read. */
const OWN_DESCRIPTORS = 64

/** The connections of each listener, so that all together have descriptors. */
export function placesOfEach(limit = descriptorLimit()): number {
  if (limit === null) return MAX_CONNECTIONS
  const share = Math.floor((limit - OWN_DESCRIPTORS) / MOST_LISTENERS)
  return Math.min(MAX_CONNECTIONS, Math.max(share, 16))
}

/** What the app serves and where: everything else about an endpoint is the listener's business. */
export function listenerPlans(parts: ApiParts): ListenerPlan[] {
  const { config, metrics, faults, log } = parts
  const places = placesOfEach()
  const serve = (handler: RequestListener) => createHttpServer(handler, places)
  const callers = new Callers()
  const admin = callers.watch(serve(adminHandler({ enabled: config.chaos, faults, log, callers })))
  const plans = [
    { name: 'metrics', endpoint: config.metrics, server: serve(metricsHandler(metrics, faults, log)) },
    { name: 'api', endpoint: config.api, server: serve(apiHandler('api', parts)) },
    { name: 'admin', endpoint: config.admin, server: admin, mode: OWNER_ONLY },
    echoPlan(config.echo, places),
  ]
  if (config.tcp === undefined) return plans
  return [...plans, { name: 'tcp', endpoint: config.tcp, server: serve(apiHandler('tcp', parts)) }]
}

function echoPlan(endpoint: ListenerPlan['endpoint'], places: number): ListenerPlan {
  const draining = new AbortController()
  return {
    name: 'echo',
    endpoint,
    server: createEchoServer(draining.signal, places),
    drain: () => draining.abort(),
  }
}
