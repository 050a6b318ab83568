import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { badFiles } from '../files/bad-files.ts'
import { callerGroup } from './attempts.ts'
import { type CredentialFile, type FileOwner, PasswordFile, TokenFile } from './credential-file.ts'
import { basicLogin, type Login } from './password-file.ts'
import { BUSY, PasswordVerifier } from './password-verifier.ts'
import { ProvenPasswords } from './proven-passwords.ts'
import { bearerDigest, hasToken, shareToken } from './token-file.ts'

export { BUSY } from './password-verifier.ts'

/** A client of the configuration. Those of other kinds than these two have no file, and are none of this module's. */
export type FileClient =
  | { readonly name: string; readonly kind: 'token' | 'basic'; readonly file: string }
  | { readonly name: string; readonly kind: 'certificate' | 'uid' | 'gid' }

/**
 * What an Authorization field proves: the name of a client, or null for nothing. `BUSY`: nobody can say, because too
 * many attempts of this caller wait or the verification was cut short. That is no failed attempt: a later one may
 * succeed.
 */
export type Proof = string | null | typeof BUSY

/**
 * What is kept of an Authorization field that was accepted, to judge a request again that goes on for long. It has no
 * secret: a digest, and the hashes from the files.
 */
export interface Evidence {
  /** SHA-256 of the bearer token; null for another scheme. */
  readonly token: Buffer | null
  /** The user, and the bcrypt hashes that the password was right for; null for another scheme. */
  readonly login: { readonly user: string; readonly hashes: readonly string[] } | null
}

/** One file of a client, for `/routes` and the metrics. */
export interface CredentialStatus {
  readonly client: string
  readonly kind: 'token' | 'basic'
  readonly path: string
  /** When the content in use was read. */
  readonly since: Date
  /** Why newer content is not in use; null when there is no such reason. */
  readonly lastFailure: Failure | null
  /** How often newer content was refused, reloads of the configuration included. */
  readonly reloadFailures: number
}

/** What a reload of the configuration passes on; `tokenFiles` has those of a configuration that is about to end as well. */
interface Shared extends FileOwner {
  readonly proven: ProvenPasswords
  readonly verifier: PasswordVerifier
  /** Configurations that use the verifier. */
  users: number
}

/** The tokens and passwords of all clients of one configuration. They follow their files. */
export class Credentials implements Disposable {
  readonly #files: readonly CredentialFile[]
  readonly #shared: Shared
  #isDisposed = false

  private constructor(files: readonly CredentialFile[], shared: Shared) {
    this.#files = files
    this.#shared = shared
  }

  /**
   * Reads the files of the clients of kind token and basic, and follows them until the disposal.
   * @param former the credentials that these will replace. Its files that are the same go on with their state and
   * counters; they are disposed of when both have been.
   * @throws Failure `bad_config` that names every file that is missing or bad, and clients that have a token in common
   */
  static async load(clients: readonly FileClient[], log: Logger, former?: Credentials): Promise<Credentials> {
    const shared = former === undefined || former.#isDisposed ? newShared(log) : former.#shared
    shared.users += 1
    const results = await Promise.allSettled(
      clients
        .filter((client) => 'file' in client)
        .map((client) => former?.keep(client) ?? load(client, log, shared)),
    )
    const files = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const loaded = new Credentials(files, shared)
    const reasons = [
      ...results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])),
      ...commonTokens(files),
    ]
    if (reasons.length === 0) return loaded
    loaded[Symbol.dispose]()
    throw badFiles(reasons)
  }

  /**
   * Which client the value of an Authorization field proves. Synchronous for tokens, and for passwords that were right
   * before. Where a password is right for several clients, the first of the configuration counts.
   * @param among names of the clients that come into question
   * @param caller the key of the caller, an address or a uid: many attempts of one caller do not delay the others'
   */
  prove(authorization: string, among: ReadonlySet<string>, caller: string): Proof | Promise<Proof> {
    const files = this.#files.filter(({ client }) => among.has(client))
    const digest = bearerDigest(authorization)
    if (digest !== null) return clientOfToken(files, digest)
    const login = basicLogin(authorization)
    const passwordFiles = files.filter((file) => file instanceof PasswordFile)
    if (login === null || passwordFiles.length === 0) return null
    return this.#provenBefore(passwordFiles, login) ?? this.#verify(passwordFiles, login, callerGroup(caller))
  }

  /** What to keep of an Authorization field that was accepted just now. */
  evidenceOf(authorization: string): Evidence {
    const login = basicLogin(authorization)
    return {
      token: bearerDigest(authorization),
      login: login && { user: login.user, hashes: this.#hashesProvenBy(login) },
    }
  }

  /**
   * Which client the evidence still proves; null for none. A password counts while its hash is in a file: one whose hash
   * was made again, with another salt, has changed as far as anybody can tell without it.
   */
  provenStill({ token, login }: Evidence, among: ReadonlySet<string>): string | null {
    const files = this.#files.filter(({ client }) => among.has(client))
    if (token !== null) return clientOfToken(files, token)
    const file = files.find((each) => each instanceof PasswordFile && hasLogin(each, login))
    return file?.client ?? null
  }

  /** Called from now on when new content of a file is in use, also after a reload of the configuration. */
  set onReplaced(onReplaced: () => void) {
    this.#shared.onReplaced = onReplaced
  }

  /** Takes over the files that have changed. Resolves after a look that has begun after this call. */
  async look(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.look()))
  }

  statuses(): readonly CredentialStatus[] {
    return this.#files.map(({ client, kind, path, since, lastFailure, reloadFailures }) => ({
      client,
      kind,
      path,
      since,
      lastFailure,
      reloadFailures,
    }))
  }

  /** Ends the following of the files that `successor` does not go on with. */
  replacedBy(_successor: Credentials): void {
    this[Symbol.dispose]() // the successor holds the files that it goes on with
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    for (const file of this.#files) file.release()
    this.#shared.users -= 1
    if (this.#shared.users === 0) this.#shared.verifier[Symbol.dispose]()
  }

  /** The file of this client, for one more configuration; undefined when it is another one. */
  keep({ name, kind, file: path }: FileClient & { readonly file: string }): CredentialFile | undefined {
    if (this.#isDisposed) return undefined
    return this.#files
      .find((file) => file.client === name && file.kind === kind && file.path === path)
      ?.hold()
  }

  #provenBefore(files: readonly PasswordFile[], { user, password }: Login): string | null {
    const { proven } = this.#shared
    for (const { client, passwords } of files) {
      const hash = passwords.hashes.get(user)
      if (hash !== undefined && proven.has(proven.keyOf({ client, user, password, hash }))) return client
    }
    return null
  }

  #hashesProvenBy({ user, password }: Login): string[] {
    const { proven } = this.#shared
    return this.#files.flatMap((file) => {
      const hash = file instanceof PasswordFile ? file.passwords.hashes.get(user) : undefined
      if (hash === undefined) return []
      return proven.has(proven.keyOf({ client: file.client, user, password, hash })) ? [hash] : []
    })
  }

  /**
   * Verifies as many hashes for a user of no file as for a user of one or more, so that the time does not tell which
   * users exist.
   */
  async #verify(files: readonly PasswordFile[], login: Login, caller: string): Promise<Proof> {
    const { user, password } = login
    const { proven, verifier } = this.#shared
    const having = files.filter(({ passwords }) => passwords.hashes.has(user))
    const others = files.filter((file) => !having.includes(file))
    const count = mostFilesOfOneUser(files)
    let isBusy = false
    for (const { client, passwords } of [...having, ...others].slice(0, count)) {
      const stored = passwords.hashes.get(user)
      const hash = stored ?? passwords.dummy
      const key = proven.keyOf({ client, user, password, hash })
      const verdict = await verifier.verify({ caller, key, password, hash })
      if (verdict === BUSY) isBusy = true
      if (verdict !== true || stored === undefined) continue
      proven.add(key)
      if (this.#stillHas(client, user, hash)) return client
    }
    return isBusy ? BUSY : null
  }

  /** A user may have been removed while the password was verified. */
  #stillHas(client: string, user: string, hash: string): boolean {
    return this.#files.some(
      (file) =>
        file instanceof PasswordFile && file.client === client && file.passwords.hashes.get(user) === hash,
    )
  }
}

function newShared(log: Logger): Shared {
  return {
    tokenFiles: new Set(),
    onReplaced: () => undefined,
    proven: new ProvenPasswords(),
    verifier: new PasswordVerifier(log),
    users: 0,
  }
}

function load(
  { name, kind, file }: FileClient & { readonly file: string },
  log: Logger,
  owner: FileOwner,
): Promise<CredentialFile> {
  return kind === 'token' ? TokenFile.load(name, file, log, owner) : PasswordFile.load(name, file, log, owner)
}

/** Compares with the tokens of all these clients: the time does not tell which of them was near. */
function clientOfToken(files: readonly CredentialFile[], digest: Buffer): string | null {
  let found: string | null = null
  for (const file of files)
    if (file instanceof TokenFile && hasToken(file.tokens, digest)) found = found ?? file.client
  return found
}

function hasLogin({ passwords }: PasswordFile, login: Evidence['login']): boolean {
  const hash = login === null ? undefined : passwords.hashes.get(login.user)
  return hash !== undefined && login?.hashes.includes(hash) === true
}

/** In how many of the files the user is who is in most of them. */
function mostFilesOfOneUser(files: readonly PasswordFile[]): number {
  if (files.length === 1) return 1
  const counts = new Map<string, number>()
  for (const { passwords } of files)
    for (const user of passwords.hashes.keys()) counts.set(user, (counts.get(user) ?? 0) + 1)
  return Math.max(...counts.values())
}

/** Clients that have a token in common: who presents it could be either. */
function commonTokens(files: readonly CredentialFile[]): Failure[] {
  const tokenFiles = files.filter((file) => file instanceof TokenFile)
  return tokenFiles.flatMap((one, index) =>
    tokenFiles
      .slice(index + 1)
      .filter((other) => shareToken(one.tokens, other.tokens))
      .map((other) => one.inCommonWith(other)),
  )
}
