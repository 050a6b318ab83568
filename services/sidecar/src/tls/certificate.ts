import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { TlsSettings } from '../config/tls-schema.ts'
import type { TlsCounters, TlsStatus } from '../observe/tls-status.ts'
import type { ConnectionHandler } from '../relay/port.ts'
import { type CertificatePair, identityOf, readPair } from './certificate-pair.ts'
import { TlsHandler, type TlsHandlerParts } from './tls-handler.ts'

/** How often the files are looked at, whatever the watch says: it does not see every kind of replacement. */
const LOOK_MS = 10_000
/**
 * A bad pair counts as bad once it has stayed the same for so long. Before that somebody may be between the
 * replacement of the one file and of the other, or in the middle of writing one.
 */
const SETTLE_MS = 1_000
/** How often files that change while they are read are read again, at once. */
const ATTEMPTS = 5

/** The certificate of one listener. It follows its files: a good new pair is taken over, a bad one is reported. */
export class Certificate implements TlsStatus, Disposable {
  readonly settings: TlsSettings
  readonly counters: TlsCounters
  lastFailure: Failure | null = null
  since = new Date()
  /** Called with each new pair. */
  onReplaced: (pair: CertificatePair) => void = () => undefined
  readonly #log: Logger
  #pair: CertificatePair
  /** The files that are in use or were reported as bad. */
  #known: string
  /** The bad files that were seen last, and since when. */
  #suspect = { identity: '', sinceMs: 0 }
  #watchers: FSWatcher[] = []
  readonly #timer: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined
  #current: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #isDisposed = false

  private constructor(
    settings: TlsSettings,
    pair: CertificatePair,
    identity: string,
    log: Logger,
    counters: TlsCounters,
  ) {
    this.settings = settings
    this.counters = counters
    this.#pair = pair
    this.#known = identity
    this.#log = log
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref()
    this.#watch()
    if (isExpired(pair)) log.warn({ certificate: settings.certificate, expired: pair.expiresAt }, EXPIRED)
  }

  /** @throws Failure `bad_config` when the files are missing or bad. A certificate that has expired is only a warning. */
  static async load(settings: TlsSettings, log: Logger, counters: TlsCounters): Promise<Certificate> {
    const { identity, result } = await read(settings)
    if (result instanceof Failure) throw result
    return new Certificate(settings, result, identity, log, counters)
  }

  get pair(): CertificatePair {
    return this.#pair
  }

  get subject(): string {
    return this.#pair.subject
  }

  get expiresAt(): Date {
    return this.#pair.expiresAt
  }

  /** A handler that does the handshakes with this certificate, and passes the TLS connections on. */
  handlerFor(parts: Omit<TlsHandlerParts, 'certificate'>): ConnectionHandler {
    return new TlsHandler({ ...parts, certificate: this })
  }

  /** Takes over the files if they have changed. Resolves after a look that has begun after this call. */
  look(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined
      return this.#lookOnce()
    })
    this.#current = this.#next
    return this.#next
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
    this.#unwatch()
  }

  async #lookOnce(): Promise<void> {
    if (this.#isDisposed || (await identityOf(this.settings)) === this.#known) return
    this.#watch() // the directory itself may have been replaced
    const { identity, result } = await read(this.settings)
    if (result instanceof Failure) this.#refuse(result, identity)
    else if (isExpired(result) && !isExpired(this.#pair))
      this.#refuse(expired(this.settings.certificate, result), identity)
    else this.#take(result, identity)
  }

  #take(pair: CertificatePair, identity: string): void {
    const isNew = pair.cert !== this.#pair.cert || pair.key !== this.#pair.key
    const wasBad = this.lastFailure !== null
    this.#known = identity
    this.lastFailure = null
    if (isNew) {
      this.#pair = pair
      this.since = new Date()
      this.onReplaced(pair)
    }
    const { certificate } = this.settings
    if (isNew || wasBad) this.#log.info({ certificate, expires: pair.expiresAt }, TAKEN)
  }

  #refuse(failure: Failure, identity: string): void {
    if (identity !== this.#suspect.identity) this.#suspect = { identity, sinceMs: performance.now() }
    const leftMs = this.#suspect.sinceMs + SETTLE_MS - performance.now()
    clearTimeout(this.#settling)
    if (leftMs > 0) {
      this.#settling = setTimeout(() => void this.look(), leftMs + 1).unref()
      return
    }
    this.#known = identity
    this.lastFailure = failure
    this.counters.reloadFailures += 1
    this.#log.error({ code: failure.code, hint: failure.hint }, `${KEPT}: ${failure.message}`)
  }

  /** Watches the directories, not the files: a file that is replaced by a rename is another one. */
  #watch(): void {
    this.#unwatch()
    if (this.#isDisposed) return
    for (const directory of new Set([this.settings.certificate, this.settings.key].map(dirname)))
      try {
        const watcher = watch(directory, { persistent: false }, () => void this.look())
        this.#watchers.push(watcher.on('error', () => watcher.close()))
      } catch (error) {
        this.#log.info(
          { directory, err: error },
          'the directory cannot be watched: it is looked at every 10 s',
        )
      }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }
}

const EXPIRED = 'the certificate has expired: clients will refuse it'
const TAKEN = 'the new certificate is in use'
const KEPT = 'the new certificate is refused, the old one stays in use'

/** The files at one moment: a good pair, or what is wrong with it. */
interface Reading {
  readonly identity: string
  readonly result: CertificatePair | Failure
}

/** Reads both files. When one of them changes meanwhile, both are read again; the last time, the next look notices. */
async function read(settings: TlsSettings): Promise<Reading> {
  for (let attempt = 1; ; attempt++) {
    const identity = await identityOf(settings)
    const result = readOrFail(settings)
    if (attempt === ATTEMPTS || (await identityOf(settings)) === identity) return { identity, result }
  }
}

function readOrFail(settings: TlsSettings): CertificatePair | Failure {
  try {
    return readPair(settings)
  } catch (error) {
    if (error instanceof Failure) return error
    return new Failure('bad_config', {
      message: `the certificate in ${settings.certificate} cannot be used: ${error}`,
      hint: 'issue another certificate',
      cause: error,
    })
  }
}

function isExpired({ expiresAt }: CertificatePair): boolean {
  return expiresAt.getTime() <= Date.now()
}

function expired(path: string, { expiresAt }: CertificatePair): Failure {
  return new Failure('bad_config', {
    message: `the certificate in ${path} expired at ${expiresAt.toISOString()}`,
    hint: 'issue another certificate, and check the clock of this machine',
  })
}
