import { crypto } from './node-modules.ts'

/** Passwords that are remembered. */
const MAX_PROVEN = 1_024

/** What one verification is about. */
export interface PasswordClaim {
  /** The name of the client whose file has the user. */
  readonly client: string
  readonly user: string
  readonly password: string
  /** The bcrypt hash in the file. */
  readonly hash: string
}

/**
 * Remembers which passwords were right, so that a scrape costs one bcrypt and not one each time. It never remembers
 * that one was wrong. It holds no password: only HMACs with a key that is made at start and never leaves the process.
 *
 * The stored hash is part of what is signed, so that a changed file makes all that was remembered about it useless.
 */
export class ProvenPasswords {
  readonly #secret = crypto.randomBytes(32)
  /** The key that was used longest ago comes first. */
  readonly #keys = new Set<string>()

  get size(): number {
    return this.#keys.size
  }

  /**
   * Each part is preceded by its length. Without it, the user `a` with the password `bc` and the user `ab` with `c`
   * would have one key (CVE-2022-46146).
   */
  keyOf({ client, user, password, hash }: PasswordClaim): string {
    const hmac = crypto.createHmac('sha256', this.#secret)
    for (const part of [client, user, password, hash]) {
      hmac.update(`${Buffer.byteLength(part)}:`)
      hmac.update(part)
    }
    return hmac.digest('base64')
  }

  has(key: string): boolean {
    if (!this.#keys.delete(key)) return false
    this.#keys.add(key) // at the end of the order
    return true
  }

  add(key: string): void {
    this.#keys.delete(key)
    this.#keys.add(key)
    const [oldest] = this.#keys
    if (this.#keys.size > MAX_PROVEN && oldest !== undefined) this.#keys.delete(oldest)
  }
}
