import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { FollowedFiles } from '../files/followed-files.ts'
import { areSamePasswords, type Passwords, readPasswords } from './password-file.ts'
import { areSameTokens, readTokens, shareToken, type Tokens } from './token-file.ts'

/** The file of one client. Several configurations may hold it, during a reload; the last one that releases it ends it. */
abstract class HeldFile<T> {
  readonly client: string
  readonly path: string
  readonly #files: FollowedFiles<T>
  readonly #counters: { readonly reloadFailures: number }
  #holders = 1

  protected constructor(
    client: string,
    path: string,
    files: FollowedFiles<T>,
    counters: { reloadFailures: number },
  ) {
    this.client = client
    this.path = path
    this.#files = files
    this.#counters = counters
  }

  protected get value(): T {
    return this.#files.value
  }

  get since(): Date {
    return this.#files.since
  }

  get lastFailure(): Failure | null {
    return this.#files.lastFailure
  }

  get reloadFailures(): number {
    return this.#counters.reloadFailures
  }

  look(): Promise<void> {
    return this.#files.look()
  }

  /** Looks again at content that was refused. */
  protected reconsider(): Promise<void> {
    return this.#files.reconsider()
  }

  hold(): this {
    this.#holders += 1
    return this
  }

  release(): void {
    this.#holders -= 1
    if (this.#holders === 0) this.end()
  }

  protected end(): void {
    this.#files[Symbol.dispose]()
  }
}

/** What the files of all clients have in common. */
export interface FileOwner {
  /** The token files that are followed; a new one is added. */
  readonly tokenFiles: Set<TokenFile>
  /** Called when new content of a file is in use. */
  onReplaced(): void
}

/** The tokens of one client. No other client may have one of them. */
export class TokenFile extends HeldFile<Tokens> {
  readonly kind = 'token'
  readonly #all: Set<TokenFile>
  #conflict: Failure | undefined

  private constructor(
    client: string,
    path: string,
    files: FollowedFiles<Tokens>,
    counters: { reloadFailures: number },
    owner: FileOwner,
  ) {
    super(client, path, files, counters)
    this.#all = owner.tokenFiles
    this.#all.add(this)
    files.onReplaced = () => {
      this.#retryOthers()
      owner.onReplaced()
    }
  }

  static async load(client: string, path: string, log: Logger, owner: FileOwner): Promise<TokenFile> {
    const counters = { reloadFailures: 0 }
    let file: TokenFile | undefined
    const files = await FollowedFiles.load<Tokens>({
      paths: [path],
      read: () => readTokens(path, client),
      conflict: (tokens) => file?.conflictOf(tokens),
      isSame: areSameTokens,
      logFields: ({ digests }) => ({ client, file: path, tokens: digests.length }),
      texts: {
        taken: 'the new tokens are in use',
        kept: 'the new tokens are refused, the old ones stay in use',
      },
      counters,
      log,
    })
    file = new TokenFile(client, path, files, counters, owner)
    return file
  }

  get tokens(): Tokens {
    return this.value
  }

  /** A token that this client and another one have would prove both. */
  inCommonWith({ client, path }: TokenFile): Failure {
    return new Failure('bad_config', {
      message: `${this.path} of the client ${this.client} and ${path} of the client ${client} have a token in common`,
      hint: 'give each client a token of its own',
    })
  }

  protected override end(): void {
    this.#all.delete(this)
    super.end()
    this.#retryOthers()
  }

  /** A token that kept new content of another client out may be gone. */
  #retryOthers(): void {
    for (const other of this.#all)
      if (other.lastFailure !== null && other.lastFailure === other.#conflict) void other.reconsider()
  }

  private conflictOf(tokens: Tokens): Failure | undefined {
    const other = [...this.#all].find((each) => each !== this && shareToken(each.tokens, tokens))
    this.#conflict = other && this.inCommonWith(other)
    return this.#conflict
  }
}

/** The users of one client, and their hashes. */
export class PasswordFile extends HeldFile<Passwords> {
  readonly kind = 'basic'

  static async load(client: string, path: string, log: Logger, owner: FileOwner): Promise<PasswordFile> {
    const counters = { reloadFailures: 0 }
    const files = await FollowedFiles.load<Passwords>({
      paths: [path],
      read: () => readPasswords(path, client),
      isSame: areSamePasswords,
      logFields: ({ hashes }) => ({ client, file: path, users: hashes.size }),
      texts: {
        taken: 'the new passwords are in use',
        kept: 'the new passwords are refused, the old ones stay in use',
      },
      counters,
      log,
    })
    files.onReplaced = () => owner.onReplaced()
    return new PasswordFile(client, path, files, counters)
  }

  get passwords(): Passwords {
    return this.value
  }
}

export type CredentialFile = TokenFile | PasswordFile
