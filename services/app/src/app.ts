import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { adminHandler } from './admin/admin-handler.ts'
import { Faults } from './admin/faults.ts'
import { apiHandler } from './api/api-handler.ts'
import { metricsHandler } from './api/metrics-handler.ts'
import type { Config } from './config.ts'
import { createEchoServer } from './echo/echo-server.ts'
import { createHttpServer } from './http-server.ts'
import { Listeners } from './listeners.ts'
import { AppMetrics } from './metrics/app-metrics.ts'
import { Visits } from './visits/visits.ts'

/** Everything that the app serves, until `closed`. */
export interface App extends AsyncDisposable {
  /** Resolves when every listener has ended: by the signal, by `dispose`, or because another app took over. */
  readonly closed: Promise<void>
}

/** @throws Failure when an endpoint cannot be bound; nothing listens then */
export async function startApp(config: Config, log: Logger, signal: AbortSignal): Promise<App> {
  const visits = new Visits(config.redis, log)
  const metrics = new AppMetrics(config.build, visits)
  const faults = new Faults()
  const listeners = new Listeners(config, metrics, log)
  const api = (name: string) =>
    createHttpServer(apiHandler(name, { config, visits, faults, listeners, metrics }))
  try {
    await listeners.start([
      {
        name: 'metrics',
        endpoint: config.metrics,
        server: createHttpServer(metricsHandler(metrics, faults)),
      },
      { name: 'api', endpoint: config.api, server: api('api') },
      { name: 'echo', endpoint: config.echo, server: createEchoServer(signal) },
      {
        name: 'admin',
        endpoint: config.admin,
        mode: 0o600,
        server: createHttpServer(adminHandler({ enabled: config.chaos, faults, log })),
      },
      ...(config.tcp === undefined ? [] : [{ name: 'tcp', endpoint: config.tcp, server: api('tcp') }]),
    ])
  } catch (error) {
    visits.close()
    throw error
  }
  log.info({ pid: process.pid, redis: formatEndpoint(config.redis), ...config.build }, 'ready')
  signal.addEventListener('abort', () => listeners.close(String(signal.reason)), { once: true })
  const closed = listeners.closed.finally(() => visits.close())
  return { closed, [Symbol.asyncDispose]: () => listeners.close('dispose') }
}
