import { adminHandler } from './admin/admin-handler.ts'
import { type ApiParts, apiHandler } from './api/api-handler.ts'
import { metricsHandler } from './api/metrics-handler.ts'
import { createEchoServer } from './echo/echo-server.ts'
import { createHttpServer } from './http-server.ts'
import type { ListenerPlan } from './listeners.ts'

const OWNER_ONLY = 0o600

/** What the app serves and where: everything else about an endpoint is the listener's business. */
export function listenerPlans(parts: ApiParts): ListenerPlan[] {
  const { config, metrics, faults, log } = parts
  const admin = adminHandler({ enabled: config.chaos, faults, log })
  const plans = [
    {
      name: 'metrics',
      endpoint: config.metrics,
      server: createHttpServer(metricsHandler(metrics, faults, log)),
    },
    { name: 'api', endpoint: config.api, server: createHttpServer(apiHandler('api', parts)) },
    { name: 'admin', endpoint: config.admin, server: createHttpServer(admin), mode: OWNER_ONLY },
    echoPlan(config.echo),
  ]
  if (config.tcp === undefined) return plans
  return [...plans, { name: 'tcp', endpoint: config.tcp, server: createHttpServer(apiHandler('tcp', parts)) }]
}

function echoPlan(endpoint: ListenerPlan['endpoint']): ListenerPlan {
  const draining = new AbortController()
  return {
    name: 'echo',
    endpoint,
    server: createEchoServer(draining.signal),
    drain: () => draining.abort(),
  }
}
