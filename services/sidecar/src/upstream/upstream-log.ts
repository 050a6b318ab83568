import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES } from '@uds-sidecar/shared/failure/failures'
import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { processIdentity } from '@uds-sidecar/shared/inspect/process-identity'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { UpstreamState } from './upstream-state.ts'

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
