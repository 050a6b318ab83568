import { type Endpoint, formatEndpoint, nodeAddress } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Redis } from 'ioredis'
import { AppFailure } from '../failures.ts'

const KEY = 'visits'
const COMMAND_TIMEOUT_MS = 1_000
const MAX_RECONNECT_MS = 500
/** ioredis waits this long even for a connection that is already gone. Its default of 2 s would delay every exit. */
const DISCONNECT_TIMEOUT_MS = 100

/**
 * The count of visits in Redis. A visit is acknowledged only after Redis has acknowledged it, and sent only once: an
 * increment whose response was lost is reported as failed and not repeated, so that no visit counts twice.
 */
export class Visits {
  readonly #endpoint: Endpoint
  readonly #log: Logger
  /** Resolves after the first attempt to connect. Earlier commands wait for it. */
  readonly #tried = Promise.withResolvers<Redis>()
  #redis: Redis | undefined
  #lastTotal: number | undefined
  #isClosed = false

  constructor(endpoint: Endpoint, log: Logger) {
    this.#endpoint = endpoint
    this.#log = log
  }

  /**
   * Starts to connect, and keeps trying. Commands before the end of the first attempt wait for it, at most 1 s. Not part of
   * the constructor, because loading ioredis takes long and the app's sockets need not wait for it.
   */
  async connect(): Promise<void> {
    const { Redis } = await import('ioredis')
    if (this.#isClosed) return
    const redis = new Redis({
      ...nodeAddress(this.#endpoint),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: COMMAND_TIMEOUT_MS,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_MS),
    })
    this.#redis = redis
    reportChanges(redis, this.#endpoint, this.#log)
    untilTried(redis).then(() => this.#tried.resolve(redis))
  }

  /** Counts one visit. @returns the new total @throws Failure `dependency_down` */
  async add(): Promise<number> {
    return this.#remember(await this.#run((redis) => redis.incr(KEY)))
  }

  /** @throws Failure `dependency_down` */
  async total(): Promise<number> {
    return this.#remember(Number((await this.#run((redis) => redis.get(KEY))) ?? 0))
  }

  /** The last total that Redis returned; undefined before the first. */
  get lastTotal(): number | undefined {
    return this.#lastTotal
  }

  /** Whether Redis responds within 1 s. */
  async isUp(): Promise<boolean> {
    return this.#run((redis) => redis.ping()).then(
      () => true,
      () => false,
    )
  }

  close(): void {
    this.#isClosed = true
    this.#redis?.disconnect()
  }

  #remember(total: number): number {
    this.#lastTotal = total
    return total
  }

  async #run<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(await this.#tried.promise)
    } catch (cause) {
      throw new AppFailure('dependency_down', {
        message: `Redis at ${formatEndpoint(this.#endpoint)} does not respond`,
        hint: 'start Redis, or see its log; only visits need it',
        cause,
      })
    }
  }
}

/** Resolves after the first attempt to connect, at most {@link COMMAND_TIMEOUT_MS}. Before that ioredis rejects commands. */
function untilTried(redis: Redis): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  redis.once('ready', resolve).once('close', resolve)
  setTimeout(resolve, COMMAND_TIMEOUT_MS).unref()
  return promise
}

/** Logs each change of state, not each attempt to connect. */
function reportChanges(redis: Redis, endpoint: Endpoint, log: Logger): void {
  let up: boolean | undefined
  const change = (now: boolean, errno?: string) => {
    if (now === up) return
    up = now
    if (now) log.info({ redis: formatEndpoint(endpoint) }, 'redis is up')
    else log.warn({ redis: formatEndpoint(endpoint), errno }, 'redis is down')
  }
  redis.on('ready', () => change(true))
  redis.on('error', (error: Error & { code?: string }) => change(false, error.code))
  redis.on('close', () => change(false))
}
