import { parseRequestHead } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import type { Evidence } from '../identity/credentials.ts'
import type { Caller } from './caller.ts'
import type { HttpRelay } from './http-relay.ts'
import { authorizationOf, type Verdict } from './request-judge.ts'

type RelayOfRequest = Pick<HttpRelay, 'judge' | 'headRules' | 'identities'>

/**
 * The head of a request that was allowed and goes on for long, so that it can be judged again when rules or identities
 * change. It does not hold the credential: `Authorization` is overwritten, and {@link Evidence} is kept in its place.
 */
export class KeptRequest {
  readonly #relay: RelayOfRequest
  readonly #bytes: Buffer
  readonly #caller: Caller
  readonly #evidence: Evidence | null

  /** @param bytes a copy of the head, which is changed */
  constructor(relay: RelayOfRequest, bytes: Buffer, caller: Caller) {
    this.#relay = relay
    this.#bytes = bytes
    this.#caller = caller
    const head = this.#parse()
    const authorization = authorizationOf(head, bytes)
    const { credentials } = relay.identities
    this.#evidence =
      authorization === null || credentials === null ? null : credentials.evidenceOf(authorization)
    if (authorization !== null) bytes.fill('*', head.authorizationStart, head.authorizationEnd)
  }

  /** Judges it by the rules and identities as they are now. */
  judgeAgain(): Verdict {
    return this.#relay.judge.judgeAgain(this.#parse(), this.#bytes, this.#caller, this.#evidence)
  }

  #parse(): RequestHead {
    const head = new RequestHead()
    parseRequestHead(head, this.#bytes, 0, this.#bytes.length, this.#relay.headRules)
    return head
  }
}
