import { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, type LogLevel } from '@uds-sidecar/shared/failure/failures'
import type { SniRefusal } from './client-hello.ts'
import type { RuleRefusal } from './host-name.ts'

/** Why the way out does not lead to a host: the metric label `reason` of `sidecar_egress_denied_total`. */
export type EgressReason =
  | RuleRefusal
  | SniRefusal
  | 'name_invalid'
  | 'address_refused'
  | 'hello_late'
  | 'hello_cut'

const REASONS: Readonly<Record<EgressReason, true>> = {
  name_invalid: true,
  name_not_allowed: true,
  port_not_allowed: true,
  literal_not_allowed: true,
  address_refused: true,
  not_tls: true,
  hello_malformed: true,
  hello_too_large: true,
  hello_late: true,
  hello_cut: true,
  sni_missing: true,
  sni_other: true,
  encrypted_client_hello: true,
}

export const EGRESS_REASONS = Object.keys(REASONS) as readonly EgressReason[]

/** A CONNECT that is refused with `egress_denied`, or a tunnel that is cut with `sni_mismatch`. */
export class EgressDenied extends Failure {
  readonly reason: EgressReason
  /** For the log alone. */
  readonly facts: Readonly<Record<string, unknown>>

  constructor(
    code: 'egress_denied' | 'sni_mismatch',
    reason: EgressReason,
    {
      message,
      hint,
      facts = {},
    }: { message: string; hint: string; facts?: Readonly<Record<string, unknown>> },
  ) {
    super(code, { message, hint })
    this.reason = reason
    this.facts = facts
  }
}

/**
 * `host_unknown` that is the fault of the client: it chose the name, because only a rule with `*.` names it, and the name
 * does not exist. It is counted and logged as a refusal, so that no client can raise an alert about an upstream.
 */
export class ChosenHostUnknown extends Failure {
  constructor({ message, errno, cause }: Failure) {
    super('host_unknown', {
      message,
      hint: 'correct the name in the client, which chose it: only a rule with *. names it; it is absolute, so write its whole domain',
      errno,
      cause,
    })
  }

  override get isRefusal(): boolean {
    return true
  }

  override get level(): LogLevel {
    return FAILURES.egress_denied.level
  }
}
