import { formatIdentity } from '@uds-sidecar/shared/bind/identity'
import { Watchdog } from '@uds-sidecar/shared/bind/watchdog'
import type { DialOptions } from '@uds-sidecar/shared/dial/dial'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type FileFacts, inspectFile } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectConnection } from '@uds-sidecar/shared/inspect/inspect'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { permissionHint } from './permission-hint.ts'
import type { ReadySettings } from './ready-probe.ts'
import { logFailure, logRecovery, News, UNREADY, type UpstreamState, unknownState } from './upstream-state.ts'

/** How long the result of an attempt to connect to an upstream on TCP counts. */
const GOOD_MS = 10_000
const BAD_MS = 1_000
/**
 * Watches the upstream of one route. Its state comes from the file system, from probes and from the traffic of clients;
 * each change is logged once.
 */
export class Upstream implements AsyncDisposable {
  readonly endpoint: Endpoint
  /** Called when a different socket appears at the path. The pool then stops reusing its connections. */
  onReplaced: () => void = () => undefined
  /** Called when it goes up or down, and for each socket that appears at the path. */
  onChanged: (change: 'up' | 'down' | 'new socket', detail: string) => void = () => undefined
  readonly #connectTimeoutMs: number
  readonly #dialOptions: () => DialOptions
  readonly #log: Logger
  /** Null: it is ready when it accepts a connection. */
  readonly #ready: ReadySettings | null
  readonly #readyTimer: NodeJS.Timeout | undefined
  readonly #watchdog: Watchdog | undefined
  #state = unknownState()
  /** Identity of the last socket that was seen at the path. It may no longer exist. */
  #lastIdentity: string | undefined
  /** Why the last request on an established connection failed; null after the next success. */
  #trouble: FailureCode | null = null
  readonly #news = new News()
  #probe: Promise<UpstreamState> | undefined
  /** When the last probe ended, in milliseconds of `performance.now()`. */
  #probedAtMs = Number.NEGATIVE_INFINITY
  /** The socket that the last probe of `ready` asked: its result says nothing about another one. */
  #askedSocket: string | undefined
  /** It accepted the connection of the last probe, and was not ready. Only the next look can tell more. */
  #isUnready = false
  /** Ends the probe of `ready` that is under way. */
  readonly #disposed = new AbortController()
  /** When the last connection attempt ended, in milliseconds of `performance.now()`. */
  #attemptedAtMs = Number.NEGATIVE_INFINITY

  /**
   * @param dialOptions TLS and the look-up of names, asked for each probe.
   * @param ready null: it is ready when it accepts a connection.
   */
  constructor(
    endpoint: Endpoint,
    connectTimeoutMs: number,
    log: Logger,
    dialOptions: () => DialOptions = () => ({}),
    ready: ReadySettings | null = null,
  ) {
    this.#dialOptions = dialOptions
    this.endpoint = endpoint
    this.#connectTimeoutMs = connectTimeoutMs
    this.#log = log
    this.#ready = ready
    if (ready !== null) this.#readyTimer = setInterval(() => this.#probeAgain(), ready.everyMs).unref()
    if (endpoint.kind === 'unix') this.#watchdog = new Watchdog(endpoint.path, () => this.#check())
  }

  get state(): UpstreamState {
    return this.#state
  }

  /** Whether a request failed on an established connection, and none has succeeded since. */
  get isTroubled(): boolean {
    return this.#trouble !== null
  }

  /**
   * Looks at the upstream once: connects, with TLS to the end of the handshake, or asks what `ready` names, and closes
   * the connection. Resolves to the new state within the connect timeout, or within `ready.within`. Concurrent callers
   * share one probe. Never rejects. A result of `ready` counts while it is younger than `ready.within`. Without `ready` an
   * upstream on TCP may belong to somebody else: it is not probed while an attempt, of a probe or of a client, is younger
   * than 10 s, or than 1 s if it has failed.
   */
  probe(): Promise<UpstreamState> {
    return this.#isKnown ? this.#probeIfReplaced() : this.#probeAgain()
  }

  async #probeIfReplaced(): Promise<UpstreamState> {
    await this.#look().catch((error: unknown) => this.#logDefect(error))
    return this.#isKnown ? this.#state : await this.#probeAgain()
  }

  get #isKnown(): boolean {
    const nowMs = performance.now()
    if (this.#ready !== null)
      return this.#askedSocket === this.#socket && nowMs - this.#probedAtMs < this.#ready.withinMs
    if (this.endpoint.kind !== 'tcp') return false
    return nowMs - this.#attemptedAtMs < (this.#state.up === true ? GOOD_MS : BAD_MS)
  }

  /** Like `probe`, however young the last result is. */
  #probeAgain(): Promise<UpstreamState> {
    this.#probe ??= this.#probeOnce()
      .catch((error: unknown) => {
        this.#logDefect(error)
        return this.#state
      })
      .finally(() => {
        this.#probedAtMs = performance.now()
        this.#probe = undefined
      })
    return this.#probe
  }

  /** Report that a connection was established. With `ready` that proves nothing: the kernel accepts for a paused app. */
  reportConnected(): void {
    this.#attemptedAtMs = performance.now()
    if (this.#trouble === 'overloaded') this.reportAnswered()
    if (this.#ready === null) this.#reportUp()
  }

  #reportUp(): void {
    this.#isUnready = false
    if (this.#state.up === true) return
    this.#become(true)
    if (this.#trouble === null) this.#logSuccess()
  }

  /** Report a response from an upstream whose last request had failed. */
  reportAnswered(): void {
    this.#trouble = null
    if (!this.#isUnready) this.#logSuccess()
  }

  /**
   * Report that no connection could be established. `overloaded` means that this process has no free descriptor, which
   * says nothing about the upstream: its state stays as it is.
   */
  reportDown(failure: Failure): void {
    if (failure.code === 'overloaded') {
      this.reportTrouble(failure)
      return
    }
    this.#isUnready = false
    const { up, lastFailure } = this.#state
    const isNews = up !== false || lastFailure?.code !== failure.code
    this.#attemptedAtMs = performance.now()
    this.#become(false, `${failure.code}: ${failure.message}`)
    this.#remember(failure, isNews)
  }

  /** Report that a request failed on an established connection. */
  reportTrouble(failure: Failure): void {
    const isNews = this.#trouble !== failure.code
    this.#trouble = failure.code
    this.#remember(failure, isNews)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#readyTimer)
    this.#disposed.abort()
    await this.#watchdog?.[Symbol.asyncDispose]()
  }

  async #probeOnce(): Promise<UpstreamState> {
    await this.#look()
    if (this.#ready !== null) return await this.#askReady(this.#ready)
    const report = await inspectConnection(this.endpoint, {
      ...this.#dialOptions(),
      timeoutMs: this.#connectTimeoutMs,
    })
    if (!report.connected) this.reportDown(report.failure)
    else this.reportConnected()
    return this.#state
  }

  /** Loaded when it is needed: with it comes node:http. */
  async #askReady(ready: ReadySettings): Promise<UpstreamState> {
    const { askReady } = await import('./ready-probe.ts')
    const { signal } = this.#disposed
    const ask = () => {
      this.#askedSocket = this.#socket
      return askReady(this.endpoint, ready, { ...this.#dialOptions(), signal })
    }
    let failure = await ask()
    await this.#look()
    if (this.#askedSocket !== this.#socket) failure = await ask() // the first was of a socket that drains, or is gone
    if (signal.aborted) return this.#state
    if (failure === null) this.#reportUp()
    else {
      this.reportDown(failure)
      this.#isUnready = UNREADY.has(failure.code)
    }
    return this.#state
  }

  /** Identity of the socket at the path; undefined where there is none. */
  get #socket(): string | undefined {
    return this.#state.facts === null ? undefined : this.#lastIdentity
  }

  #become(up: boolean, why = ''): void {
    if (this.#state.up === up) return
    this.#state = { ...this.#state, up, changedAt: new Date() }
    this.onChanged(up ? 'up' : 'down', why)
  }

  #remember(failure: Failure, isNews: boolean): void {
    const hint = isNews ? failure.hint : this.#state.hint
    this.#state = { ...this.#state, lastFailure: failure, lastFailureAt: new Date(), hint }
    const isToBeLogged = this.#news.isBadNews(failure.code)
    if (isNews || isToBeLogged)
      this.#explain(failure, isToBeLogged).catch((error: unknown) => this.#logDefect(error))
  }

  /** A defect in a probe or in the search for a hint is logged, and affects no request. */
  #logDefect(error: unknown): void {
    this.#log.error(
      { code: 'internal_error', err: error },
      `cannot find out the state of ${formatEndpoint(this.endpoint)}`,
    )
  }

  #logSuccess(): void {
    if (this.#news.isGoodNews()) logRecovery(this.#log, this.endpoint, this.#state)
  }

  /** Finds the hint, and logs it with the failure. For missing permissions it inspects every directory of the path. */
  async #explain(failure: Failure, isToBeLogged: boolean): Promise<void> {
    const { endpoint } = this
    const isDenied = failure.code === 'socket_denied' && endpoint.kind === 'unix'
    const hint = isDenied ? await permissionHint(endpoint) : failure.hint
    const state = { ...this.#state, hint }
    if (state.lastFailure?.code === failure.code) this.#state = state
    if (isToBeLogged) logFailure(this.#log, endpoint, state, failure)
  }

  /**
   * Called by the watchdog. Probes when the file at the path has changed, and while the upstream accepts no connection.
   * One that accepts them and is not ready is asked only every `ready.every`.
   */
  async #check(): Promise<void> {
    try {
      const isNews = await this.#look()
      if (isNews || (this.#state.up === false && !this.#isUnready)) this.#probeAgain()
    } catch (error) {
      this.#logDefect(error)
    }
  }

  /** @returns whether the file at the path was replaced or removed since the last look. */
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
    if (isNew) this.onChanged('new socket', `generation ${this.#state.generation}`)
    if (isNew && before !== undefined) this.onReplaced()
    return isNew || isGone
  }
}
