import { formatIdentity } from '@uds-sidecar/shared/bind/identity'
import { Watchdog } from '@uds-sidecar/shared/bind/watchdog'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type FileFacts, inspectFile } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectConnection } from '@uds-sidecar/shared/inspect/inspect'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { permissionHint } from './permission-hint.ts'
import { logAnswers, logFailure, News } from './upstream-log.ts'
import { type UpstreamState, unknownState } from './upstream-state.ts'

/** One route's upstream: its state from the file system, from probes and from live traffic, logged once per change. */
export class Upstream implements AsyncDisposable {
  readonly endpoint: Endpoint
  /** Called when another socket stands at the path than before. */
  onReplaced: () => void = () => undefined
  readonly #connectTimeoutMs: number
  readonly #log: Logger
  readonly #watchdog: Watchdog | undefined
  #state = unknownState()
  /** Of the last socket seen, which may be gone. */
  #lastIdentity: string | undefined
  /** Why the last request failed although a connection was had; null once one succeeds. */
  #trouble: FailureCode | null = null
  readonly #news = new News()
  #probe: Promise<UpstreamState> | undefined

  constructor(endpoint: Endpoint, connectTimeoutMs: number, log: Logger) {
    this.endpoint = endpoint
    this.#connectTimeoutMs = connectTimeoutMs
    this.#log = log
    if (endpoint.kind === 'unix') this.#watchdog = new Watchdog(endpoint.path, () => this.#check())
  }

  get state(): UpstreamState {
    return this.#state
  }

  /** A request failed although a connection was had, and none has succeeded since. */
  get isTroubled(): boolean {
    return this.#trouble !== null
  }

  /** Connects once and hangs up; those who ask meanwhile share the response. Never rejects. */
  probe(): Promise<UpstreamState> {
    this.#probe ??= this.#probeOnce()
      .catch((error: unknown) => {
        this.#tellDefect(error)
        return this.#state
      })
      .finally(() => {
        this.#probe = undefined
      })
    return this.#probe
  }

  /** A connection was had. */
  reportConnected(): void {
    if (this.#trouble === 'overloaded') this.reportAnswered()
    if (this.#state.up === true) return
    this.#become(true)
    if (this.#trouble === null) this.#tellGood()
  }

  /** A response was had after trouble. */
  reportAnswered(): void {
    this.#trouble = null
    this.#tellGood()
  }

  /** No connection can be had; for want of a descriptor of ours, that says nothing of the upstream. */
  reportDown(failure: Failure): void {
    if (failure.code === 'overloaded') {
      this.reportTrouble(failure)
      return
    }
    const { up, lastFailure } = this.#state
    const isNews = up !== false || lastFailure?.code !== failure.code
    this.#become(false)
    this.#remember(failure, isNews)
  }

  /** A connection was had, and the request failed. */
  reportTrouble(failure: Failure): void {
    const isNews = this.#trouble !== failure.code
    this.#trouble = failure.code
    this.#remember(failure, isNews)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watchdog?.[Symbol.asyncDispose]()
  }

  async #probeOnce(): Promise<UpstreamState> {
    await this.#look()
    const report = await inspectConnection(this.endpoint, { timeoutMs: this.#connectTimeoutMs })
    if (!report.connected) this.reportDown(report.failure)
    else this.reportConnected()
    return this.#state
  }

  #become(up: boolean): void {
    if (this.#state.up !== up) this.#state = { ...this.#state, up, changedAt: new Date() }
  }

  #remember(failure: Failure, isNews: boolean): void {
    const hint = isNews ? failure.hint : this.#state.hint
    this.#state = { ...this.#state, lastFailure: failure, lastFailureAt: new Date(), hint }
    const isToBeLogged = this.#news.isBadNews(failure.code)
    if (isNews || isToBeLogged)
      this.#explain(failure, isToBeLogged).catch((error: unknown) => this.#tellDefect(error))
  }

  /** What only explains may fail, and nothing with it. */
  #tellDefect(error: unknown): void {
    this.#log.error(
      { code: 'internal_error', err: error },
      `${formatEndpoint(this.endpoint)} cannot be explained`,
    )
  }

  #tellGood(): void {
    if (this.#news.isGoodNews()) logAnswers(this.#log, this.endpoint, this.#state)
  }

  /** Finds the fix, which for permissions takes a look at every directory on the way, and logs both. */
  async #explain(failure: Failure, isToBeLogged: boolean): Promise<void> {
    const { endpoint } = this
    const isDenied = failure.code === 'socket_denied' && endpoint.kind === 'unix'
    const hint = isDenied ? await permissionHint(endpoint) : failure.hint
    const state = { ...this.#state, hint }
    if (state.lastFailure?.code === failure.code) this.#state = state
    if (isToBeLogged) logFailure(this.#log, endpoint, state, failure)
  }

  /** Where the file is another than before, or nothing answered so far, a connection shows what is the matter. */
  async #check(): Promise<void> {
    try {
      const isNews = await this.#look()
      if (isNews || this.#state.up === false) this.probe()
    } catch (error) {
      this.#tellDefect(error)
    }
  }

  /** @returns whether the file at the path is another than before, or is gone. */
  async #look(): Promise<boolean> {
    if (this.endpoint.kind !== 'unix') return false
    const { facts, link } = await inspectFile(this.endpoint.path)
    return this.#see(link === null ? facts : link.facts)
  }

  #see(facts: FileFacts | null): boolean {
    const before = this.#lastIdentity
    const identity = facts?.kind === 'socket' ? formatIdentity(facts.identity) : before
    const isNew = identity !== before
    const isGone = facts === null && this.#state.facts !== null
    this.#lastIdentity = identity
    this.#state = { ...this.#state, facts, generation: this.#state.generation + (isNew ? 1 : 0) }
    if (isNew && before !== undefined) this.onReplaced()
    return isNew || isGone
  }
}
