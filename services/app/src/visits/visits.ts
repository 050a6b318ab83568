import { type Endpoint, formatEndpoint, nodeAddress } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Redis } from 'ioredis'
import { AppFailure } from '../failures.ts'

const KEY = 'visits'
const COMMAND_TIMEOUT_MS = 1_000
const MAX_RECONNECT_MS = 500
/** ioredis waits this long for a connection that is gone already, too: 2 s of its own would delay every exit then. */
const DISCONNECT_TIMEOUT_MS = 100

/**
 * The count of visits, kept in Redis. A visit is acknowledged only after Redis did, and asked for only once: an
 * increment whose answer was lost is reported as failed, never sent again, so that no visit counts twice.
 */
export class Visits {
  readonly #endpoint: Endpoint
  readonly #log: Logger
  /** Resolves once the first attempt to connect has come to something: what is asked before has to wait for that. */
  readonly #tried = Promise.withResolvers<Redis>()
  #redis: Redis | undefined
  #lastTotal: number | undefined
  #isClosed = false

  constructor(endpoint: Endpoint, log: Logger) {
    this.#endpoint = endpoint
    this.#log = log
  }

  /**
   * Begins to connect, and goes on trying for ever. What is asked before the first attempt has succeeded or failed waits
   * for that, at most a second. Not part of the constructor: loading ioredis is a good part of the app's start, and its
   * sockets need not wait for that.
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
    return this.#remember(await this.#ask((redis) => redis.incr(KEY)))
  }

  /** @throws Failure `dependency_down` */
  async total(): Promise<number> {
    return this.#remember(Number((await this.#ask((redis) => redis.get(KEY))) ?? 0))
  }

  /** What Redis told last; undefined while it has told nothing yet. */
  get lastTotal(): number | undefined {
    return this.#lastTotal
  }

  /** Whether Redis answers now, within a second. */
  async isUp(): Promise<boolean> {
    return this.#ask((redis) => redis.ping()).then(
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

  async #ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(await this.#tried.promise)
    } catch (cause) {
      throw new AppFailure('dependency_down', {
        message: `Redis at ${formatEndpoint(this.#endpoint)} does not answer`,
        hint: 'start Redis, or look at its log; everything but visits goes on meanwhile',
        cause,
      })
    }
  }
}

/** Until the first attempt to connect is over, or has taken {@link COMMAND_TIMEOUT_MS}: ioredis refuses what comes before. */
function untilTried(redis: Redis): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  redis.once('ready', resolve).once('close', resolve)
  setTimeout(resolve, COMMAND_TIMEOUT_MS).unref()
  return promise
}

/** Once for each change of state, not once for each attempt. */
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
