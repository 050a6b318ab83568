import { isDeepStrictEqual } from 'node:util'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Listener } from '@uds-sidecar/shared/listen/listener'
import type { Config } from '../config/config.ts'
import type { OperationsView } from '../ops/pages.ts'
import { Deadlines } from '../time/deadlines.ts'
import { planReload } from './plan-reload.ts'
import { RunningRoute, type Surroundings } from './running-route.ts'

/** The routes and the operations port of one configuration, until it is disposed or given another. */
export class Sidecar implements AsyncDisposable {
  readonly #surroundings: Surroundings
  readonly #view: OperationsView
  #config: Config
  #routes: readonly RunningRoute[] = []
  #ops: Listener | null = null
  #isDraining = false
  /** Connections of routes that were changed or removed. */
  readonly #leaving = new Set<Promise<void>>()

  private constructor(config: Config, build: BuildInfo, log: Logger) {
    this.#config = config
    this.#surroundings = { deadlines: new Deadlines(), log }
    this.#view = { build, routes: () => this.#routes, isDraining: () => this.#isDraining }
  }

  /**
   * Starts every route, whether its upstream exists yet or not, and the operations port.
   * @throws Failure when an address cannot be listened on; what was started until then is closed again.
   */
  static async start(config: Config, build: BuildInfo, log: Logger): Promise<Sidecar> {
    const sidecar = new Sidecar({ ops: null, drainMs: config.drainMs, routes: [] }, build, log)
    await sidecar.apply(config)
    return sidecar
  }

  get routes(): readonly RunningRoute[] {
    return this.#routes
  }

  /** Where the operations port (`ops`, if it is on) and each route listen. */
  get addresses() {
    const routes = this.#routes.map(({ route, listen }) => [route.name, formatEndpoint(listen)])
    return { ops: this.#ops && formatEndpoint(this.#ops.endpoint), routes: Object.fromEntries(routes) }
  }

  /**
   * Takes another configuration: routes that it leaves as they are go on untouched; those that it changes or removes
   * let their connections come to their end.
   * @throws Failure when a new address cannot be listened on; everything is then as it was before.
   */
  async apply(config: Config): Promise<void> {
    await using opened = new AsyncDisposableStack()
    const { kept, changed, added, removed } = planReload(this.#routes, config.routes)
    const fresh: RunningRoute[] = []
    for (const route of added) {
      const running = await RunningRoute.open(route, this.#surroundings)
      opened.defer(() => running.close(0))
      fresh.push(running)
    }
    const ops = await this.#opsFor(config, opened)
    opened.move()
    const successors = changed.map(({ from, to }) => from.succeed(to, this.#surroundings))
    for (const { from } of changed) this.#leave(from.drain(config.drainMs))
    for (const route of removed) this.#leave(route.close(config.drainMs))
    if (ops !== this.#ops) this.#ops?.close()
    this.#ops = ops
    this.#routes = inOrder(config, [...kept, ...fresh, ...successors])
    this.#config = config
  }

  /** Not ready, stop accepting, drain; the operations port last, so that readiness is seen to drop. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDraining = true
    this.#surroundings.log.info('draining')
    const { drainMs } = this.#config
    await Promise.all([...this.#leaving, ...this.#routes.map((route) => route.close(drainMs))])
    await this.#ops?.close()
  }

  /** Its modules are loaded only now that the routes accept: they take longer than all of the relay. */
  async #opsFor({ ops }: Config, opened: AsyncDisposableStack): Promise<Listener | null> {
    if (isDeepStrictEqual(ops, this.#config.ops)) return this.#ops
    if (ops === null) return null
    const { startOperations } = await import('../ops/operations.ts')
    return opened.use(await startOperations(ops, this.#view))
  }

  #leave(ended: Promise<void>): void {
    this.#leaving.add(ended)
    ended.finally(() => this.#leaving.delete(ended))
  }
}

function inOrder({ routes }: Config, running: RunningRoute[]): RunningRoute[] {
  return running.toSorted((a, b) => routes.indexOf(a.route) - routes.indexOf(b.route))
}
