import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { RequestHead } from '../http1/request-head.ts'
import { bodyTooLarge } from '../policy/admission.ts'
import type { ClientSocket } from './client-socket.ts'
import type { HttpRelay } from './http-relay.ts'
import { requestBodyBroken, tooManyOfClient } from './relay-failures.ts'
import type { Verdict } from './request-judge.ts'
import type { RequestSender } from './request-sender.ts'

/** The judgement of one request after the other. While a password is verified, the client is not read. */
export class Judging {
  readonly #client: ClientSocket
  readonly #relay: HttpRelay
  readonly #request: RequestSender
  readonly #onVerdict: (verdict: Verdict) => void
  #pending: Promise<Verdict> | null = null

  constructor(
    client: ClientSocket,
    relay: HttpRelay,
    request: RequestSender,
    onVerdict: (verdict: Verdict) => void,
  ) {
    this.#client = client
    this.#relay = relay
    this.#request = request
    this.#onVerdict = onVerdict
  }

  /** The verdict takes time. */
  get isPending(): boolean {
    return this.#pending !== null
  }

  /** @param isBroken the first bytes of the body are malformed, which is said to those who may send the request */
  start(head: RequestHead, bytes: Buffer, isBroken: boolean): void {
    const verdict = this.#client.hasTooMany
      ? { failure: tooManyOfClient() }
      : this.#relay.judge.judge(head, bytes, this.#client.caller)
    if (!(verdict instanceof Promise)) this.#onVerdict(this.#withBody(verdict, isBroken))
    else {
      this.#pending = verdict
      this.#client.pause('exchange')
      verdict
        .catch((error: unknown) => ({ failure: failureOf(error) }))
        .then((known) => this.#settle(verdict, known, isBroken))
    }
  }

  /** A verdict that comes later is ignored. */
  forget(): void {
    this.#pending = null
  }

  #settle(pending: Promise<Verdict>, verdict: Verdict, isBroken: boolean): void {
    if (this.#pending !== pending) return
    this.#pending = null
    this.#client.resume('exchange')
    this.#onVerdict(this.#withBody(verdict, isBroken))
  }

  #withBody(verdict: Verdict, isBroken: boolean): Verdict {
    const { bodyBytes } = this.#relay.route.limits
    if (verdict !== null && 'failure' in verdict) return verdict
    if (isBroken) return { failure: requestBodyBroken() }
    return this.#request.bodyBytes > bodyBytes ? { failure: bodyTooLarge(bodyBytes) } : verdict
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('internal_error', {
    message: 'the caller could not be judged',
    hint: 'see the log',
    cause: error,
  })
}
