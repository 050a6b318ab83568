import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { descriptorLimit } from '@uds-sidecar/shared/inspect/descriptor-limit'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Config, Route } from '../config/config.ts'
import type { OperationsView } from '../observe/pages.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import { SharedRoom } from '../relay/connection-limits.ts'
import { Deadlines } from '../relay/deadlines.ts'
import { type DescriptorPlan, planDescriptors } from './plan-descriptors.ts'
import { planReload, type ReloadPlan } from './reload-plan.ts'
import { RunningOperations } from './running-operations.ts'
import { RunningRoute, type Surroundings } from './running-route.ts'

/** The routes and the operations port of one configuration, until it is disposed or given another. */
export class Sidecar implements AsyncDisposable {
  readonly #surroundings: Surroundings
  readonly #view: OperationsView
  /** Of descriptors; null: not known. */
  readonly #limit: number | null
  #plan: DescriptorPlan
  #config: Config
  #routes: readonly RunningRoute[] = []
  #ops: RunningOperations | null = null
  #isDraining = false
  /** Connections of routes that were changed or removed. */
  readonly #leaving = new Set<Promise<void>>()

  private constructor(config: Config, build: BuildInfo, log: Logger, limit: number | null) {
    this.#config = config
    this.#limit = limit
    this.#surroundings = { deadlines: new Deadlines(), log, room: new SharedRoom() }
    this.#plan = planDescriptors(config, limit)
    this.#view = {
      build,
      routes: () => this.#routes,
      isDraining: () => this.#isDraining,
      descriptors: () => this.#plan,
    }
  }

  /**
   * Starts every route, whether its upstream exists yet or not, and the operations port.
   * @param limit of descriptors of this process; null: not known.
   * @throws Failure when an address cannot be listened on; what was started until then is closed again.
   */
  static async start(
    config: Config,
    build: BuildInfo,
    log: Logger,
    limit = descriptorLimit(),
  ): Promise<Sidecar> {
    const sidecar = new Sidecar({ ops: null, drainMs: config.drainMs, routes: [] }, build, log, limit)
    if (limit === null) log.warn('the limit of descriptors is not known: limits.connections stay as they are')
    await sidecar.apply(config)
    return sidecar
  }

  get routes(): readonly RunningRoute[] {
    return this.#routes
  }

  /** Where the operations port (`ops`, if it is on) and each route listen. */
  get addresses() {
    const routes = this.#routes.map(({ route, listen }) => [route.name, formatEndpoint(listen)])
    return { ops: this.#ops && formatEndpoint(this.#ops.port.endpoint), routes: Object.fromEntries(routes) }
  }

  /**
   * Takes another configuration: routes that it leaves as they are go on untouched; those that it changes or removes
   * let their connections come to their end.
   * @throws Failure when a new address cannot be listened on; everything is then as it was before.
   */
  async apply(config: Config): Promise<void> {
    if (this.#isDraining) throw shuttingDown()
    await using opened = new AsyncDisposableStack()
    const plan = planReload(this.#routes, this.#ops, config)
    const fresh: RunningRoute[] = []
    for (const { route, port } of plan.begun) {
      if (port !== null) continue
      const running = await RunningRoute.open(route, this.#surroundings, this.#countersOf(route))
      opened.defer(() => running.close(0))
      fresh.push(running)
    }
    const ops = await this.#opsFor(config, plan, opened)
    opened.move() // nothing fails from here on
    for (const { route, port } of plan.begun)
      if (port !== null)
        fresh.push(RunningRoute.on(port.port, route, this.#surroundings, this.#countersOf(route)))
    for (const holder of plan.handedOver) this.#leave(holder.drain(config.drainMs))
    for (const holder of plan.closed) this.#leave(holder.close(config.drainMs))
    this.#ops = ops
    this.#routes = inOrder(config, [...plan.kept, ...fresh])
    this.#config = config
    this.#shareDescriptors()
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
  async #opsFor(
    { ops }: Config,
    plan: ReloadPlan,
    opened: AsyncDisposableStack,
  ): Promise<RunningOperations | null> {
    if (plan.ops === 'same') return this.#ops
    if (plan.ops === 'off' || ops === null) return null
    const running = await RunningOperations.start(
      ops,
      this.#view,
      this.#surroundings.log,
      plan.ops.port?.port ?? null,
    )
    if (plan.ops.port === null) opened.defer(() => running.close())
    return running
  }

  /** Routes that go on take no notice of it: only how many connections they may have changes. */
  #shareDescriptors(): void {
    const { log, room } = this.#surroundings
    const plan = planDescriptors(this.#config, this.#limit)
    this.#plan = plan
    room.max = plan.room
    for (const { route, limits } of this.#routes) limits.max = plan.connections.get(route.name) ?? limits.max
    const descriptors = { limit: plan.limit, needed: plan.needed }
    if (plan.reduced.length > 0)
      log.info({ descriptors, connections: Object.fromEntries(plan.connections) }, REDUCED)
    if (plan.limit !== null && plan.needed > plan.limit)
      log.warn({ code: 'overloaded', descriptors, hint: TOO_FEW_HINT }, TOO_FEW)
  }

  /** A route that keeps its name keeps its counters, wherever it listens. */
  #countersOf({ name }: Route): RouteCounters | undefined {
    return this.#routes.find(({ route }) => route.name === name)?.counters
  }

  #leave(ended: Promise<void>): void {
    this.#leaving.add(ended)
    ended.finally(() => this.#leaving.delete(ended))
  }
}

const REDUCED =
  'limits.connections is not set: less than the default, for the limit of descriptors allows no more'
const TOO_FEW =
  'the connections that the routes may have need more descriptors than the process may open: some will be refused'
const TOO_FEW_HINT =
  'raise the limit of descriptors (ulimits: nofile in Compose), or lower limits.connections and limits.upstreamConnections'

function shuttingDown(): Failure {
  return new Failure('draining', {
    message: 'the sidecar is shutting down',
    hint: 'the next start reads the configuration',
  })
}

function inOrder({ routes }: Config, running: RunningRoute[]): RunningRoute[] {
  return running.toSorted((a, b) => routes.indexOf(a.route) - routes.indexOf(b.route))
}
