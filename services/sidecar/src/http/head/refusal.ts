import type { FailureCode } from '@uds-sidecar/shared/failure/failures'

/** Why a message is not forwarded; made once per reason, so that refusing costs little. */
export interface Refusal {
  readonly code: FailureCode
  /** Completes "the request cannot be forwarded: …". */
  readonly reason: string
}

export function badRequest(reason: string): Refusal {
  return Object.freeze({ code: 'bad_request', reason })
}

export function tooManyFields(maxFields: number): Refusal {
  return Object.freeze({ code: 'head_too_large', reason: `it has more than ${maxFields} fields` })
}

/** WebSocket and CONNECT: what follows would not be HTTP/1.1 any more. */
export const UPGRADE: Refusal = Object.freeze({
  code: 'upgrade_refused',
  reason: 'it asks for another protocol',
})
