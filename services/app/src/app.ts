import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { Faults } from './admin/faults.ts'
import type { Config } from './config.ts'
import { listenerPlans } from './listener-plans.ts'
import { Listeners } from './listeners.ts'
import { AppMetrics } from './metrics/app-metrics.ts'
import { Partner } from './quote/partner.ts'
import { RequestLog } from './request-log.ts'
import { Visits } from './visits/visits.ts'

/** Everything that the app serves, until `closed`. */
export interface App extends AsyncDisposable {
  /** Resolves when every listener has ended: after the signal, `dispose`, or a takeover. */
  readonly closed: Promise<void>
}

/**
 * Starts the app.
 * @param signal closes it when it aborts
 * @throws Failure when an endpoint cannot be bound; then nothing listens
 */
export async function startApp(config: Config, log: Logger, signal: AbortSignal): Promise<App> {
  const visits = new Visits(config.redis, log)
  const metrics = new AppMetrics(config.build, visits)
  const listeners = new Listeners(config, metrics, log)
  const closed = listeners.closed.finally(() => visits.close())
  const partner = new Partner(config.partner)
  const requests = new RequestLog(log)
  await listeners.start(
    listenerPlans({ config, visits, partner, faults: new Faults(), listeners, metrics, log, requests }),
  )
  await visits.connect()
  log.info({ pid: process.pid, redis: formatEndpoint(config.redis), ...config.build }, 'ready')
  const close = () => listeners.close(String(signal.reason))
  if (signal.aborted) close()
  else signal.addEventListener('abort', close, { once: true })
  return { closed, [Symbol.asyncDispose]: () => listeners.close('dispose') }
}
