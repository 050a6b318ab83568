import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { TlsSettings } from '../config/tls-schema.ts'
import { FollowedFiles } from '../files/followed-files.ts'
import type { TlsCounters, TlsStatus } from '../observe/tls-status.ts'
import type { ConnectionHandler } from '../relay/port.ts'
import { type CertificatePair, readPair } from './certificate-pair.ts'
import { TlsHandler, type TlsHandlerParts } from './tls-handler.ts'

/** The certificate of one listener. It follows its files: a good new pair is taken over, a bad one is reported. */
export class Certificate implements TlsStatus, Disposable {
  readonly settings: TlsSettings
  readonly counters: TlsCounters
  /** Called with each new pair. */
  onReplaced: (pair: CertificatePair) => void = () => undefined
  readonly #files: FollowedFiles<CertificatePair>

  private constructor(settings: TlsSettings, files: FollowedFiles<CertificatePair>, counters: TlsCounters) {
    this.settings = settings
    this.counters = counters
    this.#files = files
    files.onReplaced = (pair) => this.onReplaced(pair)
  }

  /** @throws Failure `bad_config` when the files are missing or bad. A certificate that has expired is only a warning. */
  static async load(settings: TlsSettings, log: Logger, counters: TlsCounters): Promise<Certificate> {
    const { certificate, key } = settings
    const files = await FollowedFiles.load<CertificatePair>({
      paths: [certificate, key],
      read: (former) => readUsable(settings, former),
      isSame: (one, other) => one.cert === other.cert && one.key === other.key,
      logFields: ({ expiresAt }) => ({ certificate, expires: expiresAt }),
      texts: { taken: TAKEN, kept: KEPT },
      counters,
      log,
    })
    if (isExpired(files.value)) log.warn({ certificate, expired: files.value.expiresAt }, EXPIRED)
    return new Certificate(settings, files, counters)
  }

  get pair(): CertificatePair {
    return this.#files.value
  }

  get subject(): string {
    return this.pair.subject
  }

  get expiresAt(): Date {
    return this.pair.expiresAt
  }

  get since(): Date {
    return this.#files.since
  }

  get lastFailure(): Failure | null {
    return this.#files.lastFailure
  }

  /** A handler that does the handshakes with this certificate, and passes the TLS connections on. */
  handlerFor(parts: Omit<TlsHandlerParts, 'certificate'>): ConnectionHandler {
    return new TlsHandler({ ...parts, certificate: this })
  }

  /** Takes over the files if they have changed. Resolves after a look that has begun after this call. */
  look(): Promise<void> {
    return this.#files.look()
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
  }
}

const EXPIRED = 'the certificate has expired: clients will refuse it'
const TAKEN = 'the new certificate is in use'
const KEPT = 'the new certificate is refused, the old one stays in use'

/** Reads the pair. One that has expired replaces only another one that has expired. */
function readUsable(settings: TlsSettings, former: CertificatePair | undefined): CertificatePair {
  const pair = readOrFail(settings)
  if (former !== undefined && isExpired(pair) && !isExpired(former))
    throw new Failure('bad_config', {
      message: `the certificate in ${settings.certificate} expired at ${pair.expiresAt.toISOString()}`,
      hint: 'issue another certificate, and check the clock of this machine',
    })
  return pair
}

function readOrFail(settings: TlsSettings): CertificatePair {
  try {
    return readPair(settings)
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('bad_config', {
      message: `the certificate in ${settings.certificate} cannot be used: ${error}`,
      hint: 'issue another certificate',
      cause: error,
    })
  }
}

function isExpired({ expiresAt }: CertificatePair): boolean {
  return expiresAt.getTime() <= Date.now()
}
