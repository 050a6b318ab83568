import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { descriptorLimit } from '@uds-sidecar/shared/inspect/descriptor-limit'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { LogOutput } from '@uds-sidecar/shared/lifecycle/log-output'
import type { Config, Route } from '../config/config.ts'
import type { NameResolver } from '../egress/egress-policy.ts'
import { Resolver } from '../egress/resolver.ts'
import { Identities } from '../identity/identities.ts'
import { AccessLog } from '../observe/access-log.ts'
import { History } from '../observe/history.ts'
import type { OperationsView } from '../observe/pages.ts'
import { Reloads } from '../observe/reloads.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import { SharedRoom } from '../relay/connection-limits.ts'
import { Deadlines } from '../relay/deadlines.ts'
import type { Port } from '../relay/port.ts'
import type { Certificate } from '../tls/certificate.ts'
import { requireCallers } from './credentials.ts'
import { checkInherited, InheritedSockets, type Listening, OPS } from './inherited-sockets.ts'
import { type DescriptorPlan, logPlan, planDescriptors } from './plan-descriptors.ts'
import { type ReloadFiles, type RunningFiles, readFiles } from './reload-files.ts'
import { type Holder, planReload, type ReloadPlan, revoke } from './reload-plan.ts'
import { RunningOperations } from './running-operations.ts'
import { type RouteFiles, RunningRoute, type Surroundings } from './running-route.ts'
import { TakenOver } from './taken-over.ts'

export interface SidecarOptions {
  readonly inherited?: InheritedSockets
  readonly limit?: number | null
  readonly resolver?: NameResolver
  readonly output?: Pick<LogOutput, 'offer' | 'flush'> | null
  readonly clock?: () => number
}

/** The running routes and operations port. `apply` changes the configuration; disposing drains and closes everything. */
export class Sidecar implements AsyncDisposable {
  readonly #surroundings: Surroundings
  readonly #view: OperationsView
  readonly #history = new History(() => this.#routes)
  readonly reloads = new Reloads()
  /** The descriptor limit of this process; null when it is unknown. */
  readonly #limit: number | null
  #plan: DescriptorPlan
  #config: Config
  #routes: readonly RunningRoute[] = []
  #ops: RunningOperations | null = null
  #isDraining = false
  readonly #takenOver = new TakenOver(() => this.#leaveTakenOver())
  /** Drains of routes that were changed or removed. */
  readonly #leaving = new Set<Promise<void>>()

  private constructor(config: Config, build: BuildInfo, surroundings: Surroundings, limit: number | null) {
    this.#config = config
    this.#limit = limit
    this.#surroundings = surroundings
    this.#plan = planDescriptors(config, limit)
    this.#view = {
      build,
      routes: () => this.#routes,
      isDraining: () => this.#isDraining,
      descriptors: () => this.#plan,
      opsTls: () => this.#ops?.tls ?? null,
      opsAccess: () => this.#ops?.access ?? null,
      credentials: () => surroundings.identities.credentials?.statuses() ?? [],
      clients: () => this.#config.clients,
      history: this.#history,
      reloads: this.reloads,
    }
  }

  /**
   * Starts every route and the operations port. The upstreams need not exist yet.
   * @param inherited listening sockets that systemd passed; none by default.
   * @param output where the lines of the access log go; by default nowhere.
   * @param resolver looks up the hosts of the way out; by default the system's.
   * @param clock of the deadlines of the relay, as `Deadlines` takes it; by default the system's.
   * @param limit the descriptor limit of this process, by default RLIMIT_NOFILE; null when it is unknown.
   * @throws Failure when a port cannot be opened. The ports that were already open are closed again.
   */
  static async start(
    config: Config,
    build: BuildInfo,
    log: Logger,
    {
      inherited = new InheritedSockets(),
      limit = descriptorLimit(),
      resolver = new Resolver(),
      output = null,
      clock,
    }: SidecarOptions = {},
  ): Promise<Sidecar> {
    const empty = { ...config, ops: null, clients: [], routes: [] }
    const sidecar = new Sidecar(
      empty,
      build,
      {
        deadlines: new Deadlines(clock),
        log,
        room: new SharedRoom(),
        inherited,
        identities: new Identities(log),
        resolver,
        accessLog: new AccessLog(log, output),
        tracing: { starts: false },
      },
      limit,
    )
    if (limit === null) log.warn('the descriptor limit is unknown: limits.connections are not adjusted')
    await sidecar.apply(config)
    return sidecar
  }

  /** In the order of the configuration. */
  get routes(): readonly RunningRoute[] {
    return this.#routes
  }

  /** The endpoints that are listening: of the operations port (null when there is none) and of each route by name. */
  get addresses() {
    const routes = this.#routes.map(({ route, listen }) => [route.name, formatEndpoint(listen)])
    return { ops: this.#ops && formatEndpoint(this.#ops.port.endpoint), routes: Object.fromEntries(routes) }
  }

  /**
   * Changes to another configuration. Unchanged routes continue without interruption; routes that it changes or removes
   * drain their connections within the new `drainMs`.
   * @throws Failure when a new port cannot be opened, a socket file cannot get its new rights, or the sidecar is
   * draining. The old configuration then stays active.
   */
  async apply(config: Config): Promise<void> {
    if (this.#isDraining) throw shuttingDown()
    // What could fail comes first. Of that, takeovers come last: a start that fails because of a port that is in use must
    // not have taken a socket from the server that uses that port.
    await using opened = new AsyncDisposableStack()
    const plan = planReload(this.#routes, this.#ops, config)
    const isTakeover = ({ route }: ReloadPlan['begun'][number]) => route.onConflict === 'takeover'
    requireCallers(config)
    const files = await readFiles(config, plan, this.#runningFiles, opened)
    const fresh = await this.#open(
      plan.begun.filter((each) => !isTakeover(each)),
      files,
      opened,
    )
    for (const { route, port } of plan.begun) if (port !== null) await this.#rebind(port.port, route, opened)
    const ops = await this.#opsFor(config, plan, files.opsTls, opened)
    fresh.push(...(await this.#open(plan.begun.filter(isTakeover), files, opened)))
    if (this.#isDraining) throw shuttingDown() // a signal came in the meantime
    opened.move() // nothing can fail after this line
    this.#surroundings.identities.use(files.credentials)
    this.#surroundings.accessLog.setting = config.accessLog
    this.#surroundings.tracing.starts = config.trace
    for (const { route, port } of plan.begun)
      if (port !== null) fresh.push(this.#succeed(port, route, files.of(route)))
    ops?.serve()
    revoke(plan)
    for (const holder of plan.handedOver) this.#leave(holder.drain(config.drainMs))
    for (const holder of plan.closed) this.#leave(holder.close(config.drainMs))
    const isReload = this.#routes.length > 0
    this.#ops = ops
    this.#routes = inOrder(config, [...plan.kept, ...fresh])
    if (isReload) this.#noteReload(config)
    this.#config = config
    this.#shareDescriptors()
    this.#leaveTakenOver()
    await Promise.all([...this.#routes.map((route) => route.look()), ops?.tls?.look()])
    await files.credentials?.look()
  }

  #noteReload(config: Config): void {
    this.reloads.applied(this.#config, config)
    for (const { counters } of this.#routes) counters.recent.changed('reload')
  }

  /** Starts a route on the open port of `former`, whose connections it judges from now on. */
  #succeed(former: Holder, route: Route, files: RouteFiles): RunningRoute {
    const next = RunningRoute.on(former.port, route, this.#surroundings, files, this.#countersOf(route))
    if ('route' in former) former.succeededBy(next)
    return next
  }

  /** Starts the routes that need a new port. */
  async #open(
    begun: ReloadPlan['begun'],
    files: ReloadFiles,
    opened: AsyncDisposableStack,
  ): Promise<RunningRoute[]> {
    const fresh: RunningRoute[] = []
    for (const { route, port } of begun) {
      if (port !== null) continue
      const running = await RunningRoute.open(
        route,
        this.#surroundings,
        files.of(route),
        this.#countersOf(route),
      )
      opened.defer(() => running.close(0))
      this.#takenOver.watch(running.port)
      fresh.push(running)
    }
    return fresh
  }

  /** Gives the socket file of a port the rights of its new holder. When a later step fails, it gets the old ones again. */
  async #rebind(port: Port, to: Listening, opened: AsyncDisposableStack): Promise<void> {
    const { log } = this.#surroundings
    const named = log.child({ route: to.name })
    if (this.#takenOver.has(port)) named.warn(TAKEN_OVER)
    else if (port.isInherited) await checkInherited(to, named)
    else {
      const before = port.rights
      await port.rebind(to)
      opened.defer(async () => {
        if (!this.#isDraining) await port.rebind(before)
      })
    }
  }

  /**
   * Reports not ready, stops accepting connections and drains for `drainMs`. The operations port closes last, so that
   * clients can see `/-/ready` change.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDraining = true
    this.#surroundings.log.info('draining')
    const { drainMs } = this.#config
    await Promise.all([...this.#leaving, ...this.#routes.map((route) => route.close(drainMs))])
    await this.#ops?.close()
    this.#surroundings.identities.use(null)
    this.#history[Symbol.dispose]()
    this.#surroundings.accessLog[Symbol.dispose]()
  }

  /** A route whose socket another server took over leaves it to that server. */
  #leaveTakenOver(): void {
    if (this.#isDraining) return
    for (const route of this.#takenOver.leave(this.#routes)) this.#leave(route.drain(this.#config.drainMs))
  }

  /** Resolves when other servers have taken over the sockets of all routes: there is nothing left to do. */
  get allReplaced(): Promise<void> {
    return this.#takenOver.all
  }

  /** Starts after most routes, because its modules take longer to load than all of the relay. */
  async #opsFor(
    { ops, opsAccess }: Config,
    plan: ReloadPlan,
    tls: Certificate | null,
    opened: AsyncDisposableStack,
  ): Promise<RunningOperations | null> {
    if (plan.ops === 'same') return this.#ops
    if (plan.ops === 'off' || ops === null || opsAccess === undefined) return null
    const taken = plan.ops.port?.port ?? null
    if (taken !== null) await this.#rebind(taken, { name: OPS, listen: ops }, opened)
    const running = await RunningOperations.start(ops, opsAccess, this.#view, this.#surroundings, tls, taken)
    if (taken === null) opened.defer(() => running.close())
    return running
  }

  /** Sets how many connections each route may have. Open connections are not affected. */
  #shareDescriptors(): void {
    const { log, room } = this.#surroundings
    const plan = planDescriptors(this.#config, this.#limit)
    this.#plan = plan
    room.max = plan.room
    for (const { route, limits } of this.#routes) limits.max = plan.connections.get(route.name) ?? limits.max
    logPlan(plan, log)
  }

  /** Counters belong to the name of a route: they survive a reload that changes anything else. */
  #countersOf({ name }: Route): RouteCounters | undefined {
    return this.#routes.find(({ route }) => route.name === name)?.counters
  }

  get #runningFiles(): RunningFiles {
    const named = (name: string) => this.#routes.find(({ route }) => route.name === name)
    return {
      ...this.#surroundings,
      tlsCountersOf: (name) => (name === null ? this.#ops?.tls : named(name)?.tls)?.counters,
      outgoingCountersOf: (name) => named(name)?.outgoing?.counters,
    }
  }

  #leave(ended: Promise<void>): void {
    this.#leaving.add(ended)
    ended.finally(() => this.#leaving.delete(ended))
  }
}

const TAKEN_OVER =
  'another server took over the socket of this route: it stays with that server until this sidecar is started again'

function shuttingDown(): Failure {
  return new Failure('draining', {
    message: 'the sidecar is shutting down',
    hint: 'start the sidecar again: it then reads the new configuration',
  })
}

function inOrder({ routes }: Config, running: RunningRoute[]): RunningRoute[] {
  const names = routes.map(({ name }) => name)
  return running.toSorted((a, b) => names.indexOf(a.route.name) - names.indexOf(b.route.name))
}
