import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { Attempts } from './attempts.ts'
import type { Credentials } from './credentials.ts'

/** Lines about failed attempts in a minute; the next line after them says how many were left out. */
const MAX_LINES = 10
const MINUTE_MS = 60_000

/** A credential that proved nobody. */
export interface FailedAttempt {
  readonly route: string
  /** The address or uid of the caller. */
  readonly caller: string
  readonly scheme: string
}

/** What all listeners share to know their callers. It outlives a reload, which replaces `credentials`. */
export class Identities {
  #credentials: Credentials | null = null
  /** Told when a token or password file was replaced, so that what was admitted by the old one is judged again. */
  readonly followers = new Set<{ judgeAnew(): void }>()
  readonly #attempts = new Attempts()
  readonly #log: Logger
  #minuteMs = Number.NEGATIVE_INFINITY
  #lines = 0
  #unlogged = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /** Null without clients that have a file. */
  get credentials(): Credentials | null {
    return this.#credentials
  }

  /** Replaces the credentials; the former ones end. */
  use(credentials: Credentials | null): void {
    if (credentials === null) this.#credentials?.[Symbol.dispose]()
    else this.#credentials?.replacedBy(credentials)
    this.#credentials = credentials
    if (credentials !== null)
      credentials.onReplaced = () => {
        for (const follower of [...this.followers]) follower.judgeAnew()
      }
  }

  /** Counts and logs it: never the secret, nor a user name, which may be a password in the wrong field. @returns whether this caller has failed too often */
  failed(attempt: FailedAttempt): boolean {
    this.#report(attempt)
    return this.#attempts.failed(attempt.caller)
  }

  #report(attempt: FailedAttempt): void {
    const nowMs = performance.now()
    if (nowMs - this.#minuteMs >= MINUTE_MS) {
      this.#minuteMs = nowMs
      this.#lines = 0
    }
    if (this.#lines === MAX_LINES) {
      this.#unlogged += 1
      return
    }
    this.#lines += 1
    const unlogged = this.#unlogged === 0 ? {} : { unlogged: this.#unlogged }
    this.#unlogged = 0
    this.#log.warn({ code: 'bad_credentials', ...attempt, ...unlogged }, 'a credential proves nobody')
  }
}
