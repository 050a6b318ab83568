import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES } from '@uds-sidecar/shared/failure/failures'
import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { processIdentity } from '@uds-sidecar/shared/inspect/permission'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { UpstreamState } from './upstream-state.ts'

/** How long the same bad news is not told again, however often it comes and goes. */
const QUIET_MS = 10_000

/** Which changes of a state are worth a line in the log: one that flickers would fill it. */
export class News {
  readonly #toldMs = new Map<string, number>()
  readonly #clock: () => number
  /** What was told last: bad news, or null for good; undefined: nothing yet. */
  #last: string | null | undefined

  /** @param clock milliseconds; a test passes its own. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Whether to tell of `what`, which is bad and may have been for long; it counts as told then. */
  isBadNews(what: string): boolean {
    if (what === this.#last) return false
    const nowMs = this.#clock()
    if (nowMs - (this.#toldMs.get(what) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return false
    this.#toldMs.set(what, nowMs)
    this.#last = what
    return true
  }

  /** Whether to tell that all is well: the first time, and after bad news that was told. */
  isGoodNews(): boolean {
    const isNews = this.#last !== null
    this.#last = null
    return isNews
  }
}

export function logAnswers(log: Logger, endpoint: Endpoint, state: UpstreamState): void {
  log.info(fields(endpoint, state), `${formatEndpoint(endpoint)} answers`)
}

export function logFailure(
  log: Logger,
  endpoint: Endpoint,
  state: UpstreamState,
  { code, errno, message }: Failure,
): void {
  const { uid, gids } = processIdentity()
  const ours = { ownUid: uid, ownGroups: gids }
  log[FAILURES[code].level]({ ...fields(endpoint, state), ...ours, code, errno, hint: state.hint }, message)
}

function fields(endpoint: Endpoint, { facts, generation }: UpstreamState) {
  const file = facts && { kind: facts.kind, mode: formatMode(facts.mode), uid: facts.uid, gid: facts.gid }
  return { upstream: formatEndpoint(endpoint), generation, socket: file }
}
