import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FileFacts } from '@uds-sidecar/shared/inspect/file-facts'

/** What stands at a route's upstream endpoint, as far as this process knows, and since when. */
export interface UpstreamState {
  /** Whether the last connection attempt, of a client or of a probe, succeeded; null: none yet. */
  readonly up: boolean | null
  readonly changedAt: Date
  /** Why it was last down, or failed a request; kept after it came back. */
  readonly lastFailure: Failure | null
  readonly lastFailureAt: Date | null
  /** What to do about it, as exactly as can be found out. */
  readonly hint: string
  /** The file at the path, symbolic links followed; null where there is none, or the endpoint is no file. */
  readonly facts: FileFacts | null
  /** How many sockets were seen at the path. */
  readonly generation: number
}

export function unknownState(): UpstreamState {
  const never = { lastFailure: null, lastFailureAt: null, hint: '' }
  return { up: null, changedAt: new Date(), ...never, facts: null, generation: 0 }
}

export function stateName({ up }: UpstreamState): 'unknown' | 'up' | 'down' {
  if (up === null) return 'unknown'
  return up ? 'up' : 'down'
}
