import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { type SocketFacts, socketFacts } from './socket-facts.ts'

/** What stands at a route's upstream endpoint, as far as this process knows, and since when. */
export interface UpstreamState {
  /** Whether the last connection attempt, of a client or of a probe, succeeded; null: none yet. */
  readonly up: boolean | null
  readonly changedAt: Date
  /** Why it was last down; kept after it came back. */
  readonly lastFailure: Failure | null
  readonly lastFailureAt: Date | null
  readonly facts: SocketFacts | undefined
  /** How many sockets were seen at the path. */
  readonly generation: number
}

/** One route's upstream: its state from probes and live traffic, logged once per change. */
export class Upstream {
  readonly endpoint: Endpoint
  readonly #connectTimeoutMs: number
  readonly #log: Logger
  #state: UpstreamState = {
    up: null,
    changedAt: new Date(),
    lastFailure: null,
    lastFailureAt: null,
    facts: undefined,
    generation: 0,
  }
  /** Of the last socket seen, which may be gone. */
  #lastIdentity: string | undefined
  #trouble: FailureCode | null = null
  #probe: Promise<UpstreamState> | undefined

  constructor(endpoint: Endpoint, connectTimeoutMs: number, log: Logger) {
    this.endpoint = endpoint
    this.#connectTimeoutMs = connectTimeoutMs
    this.#log = log
  }

  get state(): UpstreamState {
    return this.#state
  }

  /** Connects once and closes again; those who ask meanwhile share the answer. Never rejects. */
  probe(): Promise<UpstreamState> {
    this.#probe ??= this.#probeOnce().finally(() => {
      this.#probe = undefined
    })
    return this.#probe
  }

  async #probeOnce(): Promise<UpstreamState> {
    this.#look(await socketFacts(this.endpoint))
    try {
      const socket = await dial(this.endpoint, { timeoutMs: this.#connectTimeoutMs })
      socket.on('error', () => socket.destroy()).destroy()
      this.reportUp()
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      this.reportDown(error)
    }
    return this.#state
  }

  /** It accepted a connection but then failed a request, and none has succeeded since. */
  get isTroubled(): boolean {
    return this.#trouble !== null
  }

  reportUp(): void {
    const wasTroubled = this.#trouble !== null
    this.#trouble = null
    if (this.#state.up === true && !wasTroubled) return
    if (this.#state.up !== true) this.#state = { ...this.#state, up: true, changedAt: new Date() }
    this.#log.info(this.#fields(), `${formatEndpoint(this.endpoint)} answers`)
  }

  /** No connection can be had. */
  reportDown(failure: Failure): void {
    const { up, lastFailure, changedAt } = this.#state
    const isNews = up !== false || lastFailure?.code !== failure.code
    this.#state = { ...this.#state, up: false, changedAt: up === false ? changedAt : new Date() }
    this.#remember(failure, isNews)
  }

  /** A connection was had, and the request failed. */
  reportTrouble(failure: Failure): void {
    const isNews = this.#trouble !== failure.code
    this.#trouble = failure.code
    this.#remember(failure, isNews)
  }

  #remember(failure: Failure, isNews: boolean): void {
    this.#state = { ...this.#state, lastFailure: failure, lastFailureAt: new Date() }
    if (isNews) this.#log[FAILURES[failure.code].level](this.#fields(failure), failure.message)
  }

  #look(facts: SocketFacts | undefined): void {
    const isNew = facts !== undefined && facts.identity !== this.#lastIdentity
    this.#lastIdentity = facts?.identity ?? this.#lastIdentity
    this.#state = { ...this.#state, facts, generation: this.#state.generation + (isNew ? 1 : 0) }
  }

  #fields(failure?: Failure) {
    const { facts, generation } = this.#state
    return {
      upstream: formatEndpoint(this.endpoint),
      generation,
      ...(facts === undefined ? {} : { mode: facts.mode, uid: facts.uid, gid: facts.gid }),
      ...(failure === undefined ? {} : { code: failure.code, errno: failure.errno, hint: failure.hint }),
    }
  }
}
