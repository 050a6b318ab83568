import type { Server } from 'node:net'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { DEFAULT_MODE, type ListenOptions } from '@uds-sidecar/shared/listen/listen-options'
import type { Listener } from '@uds-sidecar/shared/listen/listener'
import type { Config } from './config.ts'
import type { AppMetrics } from './metrics/app-metrics.ts'

export interface ListenerPlan {
  readonly name: string
  readonly endpoint: Endpoint
  readonly server: Server
  /** Permission bits of the socket file. Default 0660. */
  readonly mode?: number
  /** Called when the listener begins to drain. */
  readonly drain?: () => void
}

/** What `/status` reports of one listener. */
export interface ListenerStatus {
  readonly name: string
  readonly endpoint: string
  /** Permission bits in octal, such as `0660`. Only for a socket file. */
  readonly mode?: string
}

/** Starts and closes all listeners of the app together. */
export class Listeners {
  /** Resolves when the last listener has ended, or after a start that failed. */
  readonly closed: Promise<void>
  readonly #config: Config
  readonly #metrics: AppMetrics
  readonly #log: Logger
  readonly #ended = Promise.withResolvers<void>()
  readonly #open = new Map<ListenerPlan, Listener>()
  #draining = false

  constructor(config: Config, metrics: AppMetrics, log: Logger) {
    this.closed = this.#ended.promise
    this.#config = config
    this.#metrics = metrics
    this.#log = log
  }

  get draining(): boolean {
    return this.#draining
  }

  status(): ListenerStatus[] {
    return [...this.#open].map(([{ name, mode = DEFAULT_MODE }, { endpoint }]) => ({
      name,
      endpoint: formatEndpoint(endpoint),
      ...(endpoint.kind === 'unix' ? { mode: `0${mode.toString(8)}` } : {}),
    }))
  }

  /**
   * Starts all listeners, or none.
   * @throws Failure of the first one that could not be bound
   */
  async start(plans: readonly ListenerPlan[]): Promise<void> {
    for (const turn of inTurns(plans)) {
      const failure = await this.#startAll(turn)
      if (failure === undefined) continue
      await this.close('not all endpoints could be bound')
      this.#ended.resolve()
      throw failure.reason
    }
  }

  /** Makes the app not ready, and drains every listener. */
  async close(reason: string): Promise<void> {
    if (!this.#draining) this.#log.info({ reason }, 'draining')
    this.#draining = true
    await Promise.all([...this.#open.values()].map((listener) => listener.close()))
  }

  async #startAll(plans: readonly ListenerPlan[]): Promise<PromiseRejectedResult | undefined> {
    const results = await Promise.allSettled(plans.map((plan) => this.#start(plan)))
    return results.find((result) => result.status === 'rejected')
  }

  async #start(plan: ListenerPlan): Promise<void> {
    const { name, endpoint, server } = plan
    this.#metrics.countConnections(name, server)
    const listener = await listen(server, endpoint, this.#optionsFor(plan))
    this.#open.set(plan, listener)
    this.#report(plan, listener)
  }

  #optionsFor({ name, endpoint, mode }: ListenerPlan): ListenOptions {
    const { inherited, onConflict, unlinkOnClose, drainMs } = this.#config
    const fd = inherited.get(name)
    if (fd !== undefined) return { fd, drainMs }
    if (endpoint.kind !== 'unix') return { drainMs }
    const onWait = (notice: string) => this.#log.warn({ listener: name }, notice)
    return { mode, onConflict, unlinkOnClose, drainMs, onWait }
  }

  #report(plan: ListenerPlan, listener: Listener): void {
    const { name } = plan
    const log = this.#log.child({ listener: name, endpoint: formatEndpoint(listener.endpoint) })
    const logFailure = ({ level, code, message, hint }: Failure) => log[level]({ code, hint }, message)
    log.info('listening')
    listener.on('draining', () => plan.drain?.())
    listener.on('replaced', () => {
      this.#metrics.takeovers.inc({ listener: name })
      log.warn('another server took over')
    })
    listener.on('republished', () => log.warn('the socket was deleted; published again'))
    listener.on('lost', logFailure)
    listener.on('acceptFailed', logFailure)
    listener.closed.then(({ reason, cut, failure }) => {
      log.info({ reason, cut, err: failure }, 'closed')
      this.#open.delete(plan)
      if (this.#open.size === 0) this.#ended.resolve()
    })
  }
}

/**
 * The order in which listeners are bound. First TCP, one by one: a port cannot be taken over, and a start that fails
 * because of a port must not have taken over any socket before. Then one socket alone, which decides between instances
 * that start at the same moment: bound all at once, each instance could get some sockets, and none all of them.
 */
function inTurns(plans: readonly ListenerPlan[]): ListenerPlan[][] {
  const tcp = plans.filter(({ endpoint }) => endpoint.kind === 'tcp')
  const others = plans.filter(({ endpoint }) => endpoint.kind !== 'tcp')
  return [...tcp.map((plan) => [plan]), others.slice(0, 1), others.slice(1)]
}
