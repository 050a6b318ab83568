import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Client } from '../config/clients-schema.ts'
import type { Caller } from '../relay/caller.ts'
import { matchesCertificate, parseCertificatePattern } from './certificate-names.ts'
import type { Credentials, Evidence } from './credentials.ts'
import type { Identities } from './identities.ts'

/** A caller that may do what it asks for. */
export interface Admitted {
  /** The client that it proved to be; null: anonymous. */
  readonly user: string | null
  /** `Authorization` was for the sidecar, and is not forwarded. */
  readonly withholds: boolean
}

export interface Denied {
  readonly failure: Failure
  /** Of the caller, as far as it is known. */
  readonly user: string | null
  /** Values of `WWW-Authenticate`. */
  readonly challenges?: readonly string[]
}

export type Admission = Admitted | Denied

export const ANONYMOUS: Admitted = Object.freeze({ user: null, withholds: false })
const SCHEMES = { token: 'Bearer', basic: 'Basic' } as const
type Proof = ReturnType<Credentials['prove']>
type Scheme = (typeof SCHEMES)[keyof typeof SCHEMES]

/** A client, and whether a connection proves to be it. */
interface Known {
  readonly name: string
  readonly scheme: Scheme | null
  proves(caller: Caller): boolean
}

/** Who may enter through one listener: the clients that its rules name, and how each is proven. */
export class Guard {
  readonly #clients: readonly Known[]
  readonly #byName: ReadonlyMap<string, Known>
  /** The clients with a token or a password. */
  readonly #secrets: ReadonlySet<string>
  readonly #schemes: ReadonlySet<string>
  readonly #realm: string
  readonly #identities: Identities

  /** @param realm the name of the route, or of the operations port. @param clients those that its rules name */
  constructor(realm: string, clients: readonly Client[], identities: Identities) {
    this.#realm = realm
    this.#clients = clients.map(knownOf)
    this.#byName = new Map(this.#clients.map((client) => [client.name, client]))
    const withSecret = this.#clients.filter(({ scheme }) => scheme !== null)
    this.#secrets = new Set(withSecret.map(({ name }) => name))
    this.#schemes = new Set(withSecret.map(({ scheme }) => `${scheme}`.toLowerCase()))
    this.#identities = identities
  }

  /** No rule names a client: nobody is asked who calls. */
  get isOpen(): boolean {
    return this.#clients.length === 0
  }

  /** Whether the connection alone proves one of the clients in `names`. */
  permits(names: readonly string[], caller: Caller): boolean {
    return this.#provenBy(names, caller) !== null
  }

  /** The client that the connection alone proves; null: none. */
  nameOf(caller: Caller): string | null {
    return this.#knownBy(caller)
  }

  /**
   * Judges a request. A valid credential is never refused because of failed attempts before it.
   * @param names of the clients that its rule is for; none: everybody.
   * @param authorization the value of `Authorization`; null: there is none.
   */
  admit(
    names: readonly string[],
    caller: Caller,
    authorization: string | null,
  ): Admission | Promise<Admission> {
    if (names.length === 0) return this.#admitAnybody(caller, authorization)
    const proven = this.#provenBy(names, caller)
    if (proven !== null) return { user: proven, withholds: true }
    const secrets = names.filter((name) => this.#secrets.has(name))
    if (secrets.length === 0) return this.#notPermitted(this.#knownBy(caller))
    if (authorization === null) return this.#withoutCredential(names, caller)
    return this.#admitBySecret(secrets, caller, authorization)
  }

  /**
   * Judges a request again that was admitted and is still under way. It takes no time, and its caller has sent nothing
   * new: that its credential counts no more is no failed attempt.
   * @param evidence what was kept of its `Authorization`; null: it had none.
   */
  readmit(names: readonly string[], caller: Caller, evidence: Evidence | null): Admission {
    const isForAll = names.length === 0
    const among = isForAll ? this.#secrets : new Set(names.filter((name) => this.#secrets.has(name)))
    const byConnection = isForAll ? this.#knownBy(caller) : this.#provenBy(names, caller)
    const bySecret = evidence && (this.#identities.credentials?.provenStill(evidence, among) ?? null)
    if (isForAll && bySecret !== null) return { user: this.#firstOf(byConnection, bySecret), withholds: true }
    const user = byConnection ?? bySecret
    if (user === null && !isForAll) return { failure: provenNoLonger(), user: null }
    return { user, withholds: !isForAll }
  }

  /** A credential that is not ours may be the upstream's own: then it is forwarded. */
  #admitAnybody(caller: Caller, authorization: string | null): Admission | Promise<Admission> {
    const known = this.#knownBy(caller)
    const admitted = known === null ? ANONYMOUS : { user: known, withholds: false }
    if (authorization === null || !this.#isOurs(authorization)) return admitted
    return whenKnown(this.#prove(authorization, this.#secrets, caller), (proven) => {
      if (typeof proven === 'symbol') return BUSY
      if (proven !== null) return { user: this.#firstOf(known, proven), withholds: true }
      this.#failed(caller, authorization)
      return admitted
    })
  }

  #admitBySecret(
    secrets: readonly string[],
    caller: Caller,
    authorization: string,
  ): Admission | Promise<Admission> {
    return whenKnown(this.#prove(authorization, new Set(secrets), caller), (proven) => {
      if (typeof proven === 'symbol') return BUSY
      if (proven !== null) return { user: proven, withholds: true }
      const others = new Set([...this.#secrets].filter((name) => !secrets.includes(name)))
      return whenKnown(this.#prove(authorization, others, caller), (other) => {
        if (typeof other === 'symbol') return BUSY
        return other === null
          ? this.#badCredentials(secrets, caller, authorization)
          : this.#notPermitted(other)
      })
    })
  }

  #prove(authorization: string, among: ReadonlySet<string>, caller: Caller): Proof {
    const { credentials } = this.#identities
    if (among.size === 0 || credentials === null || !this.#isOurs(authorization)) return null
    return credentials.prove(authorization, among, caller.key)
  }

  /** Whether a client here could be proven by such a credential. */
  #isOurs(authorization: string): boolean {
    return this.#schemes.has(schemeOf(authorization))
  }

  #firstOf(one: string | null, other: string): string {
    return this.#clients.find(({ name }) => name === one || name === other)?.name ?? other
  }

  /** The first of `names` that the connection proves. */
  #provenBy(names: readonly string[], caller: Caller): string | null {
    return names.find((name) => this.#byName.get(name)?.proves(caller)) ?? null
  }

  #knownBy(caller: Caller): string | null {
    return this.#clients.find((client) => client.proves(caller))?.name ?? null
  }

  #failed(caller: Caller, authorization: string): boolean {
    const scheme = schemeOf(authorization) === 'basic' ? 'Basic' : 'Bearer'
    return this.#identities.failed({ route: this.#realm, caller: caller.key, scheme })
  }

  /** A caller that the connection proves to be another client is known, and not asked for a credential. */
  #withoutCredential(names: readonly string[], caller: Caller): Denied {
    const known = this.#knownBy(caller)
    if (known !== null) return this.#notPermitted(known)
    const failure = new Failure('unauthenticated', {
      message: 'this request needs a credential, and has none',
      hint: `send ${this.#offers(names)}`,
    })
    return { failure, user: null, challenges: this.#challenges(names, '') }
  }

  #badCredentials(secrets: readonly string[], caller: Caller, authorization: string): Denied {
    const isOverLimit = this.#isOurs(authorization) && this.#failed(caller, authorization)
    const user = this.#knownBy(caller)
    if (isOverLimit) return { failure: tooManyAttempts(), user }
    const failure = new Failure('bad_credentials', {
      message: 'the credential in Authorization proves no client of this listener',
      hint: `send ${this.#offers(secrets)}; check that the secret is the current one`,
    })
    return { failure, user, challenges: this.#challenges(secrets, schemeOf(authorization)) }
  }

  #notPermitted(user: string | null): Denied {
    const failure = new Failure('not_permitted', {
      message:
        user === null
          ? 'this request needs a client certificate or a user of this machine that a rule names'
          : `${user} is a known client, and no rule lets it send this request`,
      hint: 'call as a client that the rule names after for, or add this one to the rule in the configuration of the route',
    })
    return { failure, user }
  }

  /** What a caller may send, in words. */
  #offers(names: readonly string[]): string {
    const schemes = this.#schemesOf(names)
    const words = schemes.map((scheme) =>
      scheme === 'Bearer'
        ? 'a token as Authorization: Bearer TOKEN'
        : 'a user name and password as Authorization: Basic',
    )
    return words.join(', or ')
  }

  /** One for each scheme (RFC 9110 section 11.6.1). @param refused the scheme, in lower case, of what proved nobody */
  #challenges(names: readonly string[], refused: string): string[] {
    const realm = `realm="${this.#realm}"`
    const error = refused === 'bearer' ? ', error="invalid_token"' : '' // RFC 6750 section 3.1
    return this.#schemesOf(names).map((scheme) =>
      scheme === 'Bearer' ? `Bearer ${realm}${error}` : `Basic ${realm}, charset="UTF-8"`,
    )
  }

  #schemesOf(names: readonly string[]): Scheme[] {
    return [...new Set(names.flatMap((name) => this.#byName.get(name)?.scheme ?? []))]
  }
}

function knownOf(client: Client): Known {
  const { name } = client
  switch (client.kind) {
    case 'token':
    case 'basic':
      return { name, scheme: SCHEMES[client.kind], proves: () => false }
    case 'certificate':
      return { name, scheme: null, proves: certificateTest(client.pattern) }
    case 'uid':
      return { name, scheme: null, proves: ({ uid }) => uid === client.uid }
    case 'gid':
      return { name, scheme: null, proves: ({ groups }) => groups.includes(client.gid) }
  }
}

/** A certificate counts while its dates hold and its CA is one of the listener's. */
function certificateTest(text: string): Known['proves'] {
  const pattern = parseCertificatePattern(text)
  return ({ certificate }) =>
    pattern !== undefined && certificate?.isValid() === true && matchesCertificate(pattern, certificate.names)
}

/** Too many passwords of this caller are being verified: nobody can say, and it is no failed attempt. */
const BUSY: Denied = {
  failure: new Failure('overloaded', {
    message: 'the password of the request could not be verified now: many others are being verified',
    hint: 'try again later; a password that was verified before is known at once',
  }),
  user: null,
}

function provenNoLonger(): Failure {
  return new Failure('not_permitted', {
    message: 'what the caller has proved does not permit this request any more',
    hint: 'send the request again with a credential that is valid now',
  })
}

function tooManyAttempts(): Failure {
  return new Failure('too_many_attempts', {
    message: 'more than 10 credentials of this caller proved nobody within a minute',
    hint: 'correct the credential, and try again in a minute; a valid one is served at once',
  })
}

/** In lower case. */
function schemeOf(authorization: string): string {
  return authorization.split(' ', 1)[0]?.toLowerCase() ?? ''
}

/** Stays synchronous where it can: most credentials are known without waiting. */
function whenKnown<T, R>(
  value: Awaited<T> | Promise<Awaited<T>>,
  then: (value: T) => R | Promise<R>,
): R | Promise<R> {
  return value instanceof Promise ? value.then(then) : then(value)
}
