/** The state of an upstream, and which changes of it are worth a log line. */
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type FileFacts, formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { processIdentity } from '@uds-sidecar/shared/inspect/permission'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'

/** What the sidecar knows about the upstream of a route. */
export interface UpstreamState {
  /**
   * Whether the last connection attempt, by a client or a probe, succeeded; null before the first attempt. With `ready`:
   * whether the last probe got 2xx, and no client has failed to connect since.
   */
  readonly up: boolean | null
  /** When `up` last changed. */
  readonly changedAt: Date
  /** Why a connection or a request last failed. It stays after the upstream has recovered. */
  readonly lastFailure: Failure | null
  readonly lastFailureAt: Date | null
  /** What to do about the last failure. */
  readonly hint: string
  /** The file at the path, with symbolic links followed; null when there is none, or the endpoint is not a path. */
  readonly facts: FileFacts | null
  /** How many different sockets the sidecar has seen at the path. */
  readonly generation: number
}

/** The state before the first connection attempt. */
export function unknownState(): UpstreamState {
  const never = { lastFailure: null, lastFailureAt: null, hint: '' }
  return { up: null, changedAt: new Date(), ...never, facts: null, generation: 0 }
}

export function stateName({ up }: UpstreamState): 'unknown' | 'up' | 'down' {
  if (up === null) return 'unknown'
  return up ? 'up' : 'down'
}

/** How a readiness probe fails after the upstream has accepted its connection. */
export const UNREADY: ReadonlySet<FailureCode> = new Set([
  'upstream_hung',
  'unhealthy',
  'upstream_reset',
  'upstream_malformed',
  'upstream_too_large',
])

/** How long the same failure is not logged again, however often the upstream fails and recovers in between. */
const QUIET_MS = 10_000

/** Decides which changes are logged, so that an upstream that fails and recovers all the time does not fill the log. */
export class News {
  readonly #loggedAtMs = new Map<string, number>()
  readonly #clock: () => number
  /** What was logged last: a failure, or null for a success; undefined when nothing was logged yet. */
  #last: string | null | undefined

  /** @param clock in milliseconds; tests pass their own. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /**
   * Whether to log a failure: it differs from the last log line, and was not logged within the last 10 s. If true, it
   * counts as logged. Call it for every failure, also one that continues.
   */
  isBadNews(failure: string): boolean {
    if (failure === this.#last) return false
    const nowMs = this.#clock()
    if (nowMs - (this.#loggedAtMs.get(failure) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return false
    this.#loggedAtMs.set(failure, nowMs)
    this.#last = failure
    return true
  }

  /** Whether to log a success: the first one, and each one after a failure that was logged. */
  isGoodNews(): boolean {
    const isNews = this.#last !== null
    this.#last = null
    return isNews
  }
}

/** Logs, at level info, that the upstream accepts connections and responds. */
export function logRecovery(log: Logger, endpoint: Endpoint, state: UpstreamState): void {
  log.info(fields(endpoint, state), `${formatEndpoint(endpoint)} responds`)
}

/** Logs a failure at the level that the failure table gives it, with uid and groups of this process and the hint. */
export function logFailure(
  log: Logger,
  endpoint: Endpoint,
  state: UpstreamState,
  { code, errno, message }: Failure,
): void {
  const { uid, gids } = processIdentity()
  const own = { ownUid: uid, ownGroups: gids }
  log[FAILURES[code].level]({ ...fields(endpoint, state), ...own, code, errno, hint: state.hint }, message)
}

function fields(endpoint: Endpoint, { facts, generation }: UpstreamState) {
  const file = facts && { kind: facts.kind, mode: formatMode(facts.mode), uid: facts.uid, gid: facts.gid }
  return { upstream: formatEndpoint(endpoint), generation, socket: file }
}
