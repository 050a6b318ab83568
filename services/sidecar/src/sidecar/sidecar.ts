import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Config } from '../config/config.ts'
import { createExposition } from '../metrics/exposition.ts'
import { startOperations } from '../ops/operations.ts'
import { Deadlines } from '../time/deadlines.ts'
import { type RunningRoute, startRoute } from './running-route.ts'

export interface Sidecar extends AsyncDisposable {
  readonly routes: readonly RunningRoute[]
  /** Where the operations port (`ops`, if it is on) and each route listen. */
  readonly addresses: { readonly ops: string | null; readonly routes: Readonly<Record<string, string>> }
}

/**
 * Starts every route, whether its upstream exists yet or not, then the operations port. Disposing: not ready, stop
 * accepting, drain, and the operations port last, so that readiness can be seen to drop.
 * @throws Failure when an address cannot be listened on; what was started until then is closed again.
 */
export async function startSidecar(config: Config, build: BuildInfo, log: Logger): Promise<Sidecar> {
  await using started = new AsyncDisposableStack()
  const deadlines = new Deadlines()
  const state = { draining: false }
  const routes: RunningRoute[] = []
  const view = {
    routes: () => routes,
    build,
    exposition: createExposition(() => routes, build),
    get draining() {
      return state.draining
    },
  }
  const ops = config.ops === null ? null : started.use(await startOperations(config.ops, view)).endpoint
  started.defer(() => closeAll(routes, config.drainMs))
  for (const route of config.routes) routes.push(await startRoute(route, deadlines, log))
  started.defer(async () => {
    state.draining = true
    log.info('draining')
  })
  for (const { upstream } of routes) upstream.probe()
  const running = started.move()
  const listens = routes.map(({ route, listen }) => [route.name, formatEndpoint(listen)])
  const addresses = { ops: ops && formatEndpoint(ops), routes: Object.fromEntries(listens) }
  return { routes, addresses, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

async function closeAll(routes: readonly RunningRoute[], drainMs: number): Promise<void> {
  await Promise.all(routes.map(({ port }) => port.close(drainMs)))
}
