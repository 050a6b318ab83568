import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { TlsSettings } from '../config/tls-schema.ts'
import { FollowedFiles } from '../files/followed-files.ts'
import type { TlsCounters, TlsStatus } from '../observe/tls-status.ts'
import type { ConnectionHandler } from '../relay/port.ts'
import { type CertificatePair, readPair } from './certificate-pair.ts'
import { ClientCa } from './client-ca.ts'
import { TlsHandler, type TlsHandlerParts } from './tls-handler.ts'

/** The certificate of one listener. It follows its files: a good new pair is taken over, a bad one is reported. */
export class Certificate implements TlsStatus, Disposable {
  readonly settings: TlsSettings
  readonly counters: TlsCounters
  /** Null where clients are not asked for a certificate. */
  readonly clientCa: ClientCa | null
  /** Called with each new pair. */
  onReplaced: (pair: CertificatePair) => void = () => undefined
  readonly #files: FollowedFiles<CertificatePair>

  private constructor(
    settings: TlsSettings,
    files: FollowedFiles<CertificatePair>,
    clientCa: ClientCa | null,
    counters: TlsCounters,
  ) {
    this.settings = settings
    this.clientCa = clientCa
    this.counters = counters
    this.#files = files
    files.onReplaced = (pair) => this.onReplaced(pair)
  }

  /**
   * Reads the pair, and the CAs of the clients where the settings have them.
   * @throws Failure `bad_config` when files are missing or bad; when both are, AggregateError. A certificate that has
   * expired is only a warning.
   */
  static async load(settings: TlsSettings, log: Logger, counters: TlsCounters): Promise<Certificate> {
    const { clientCa: path } = settings
    const [pair, ca] = await Promise.allSettled([
      followPair(settings, log, counters),
      path === undefined ? null : ClientCa.load(path, log, counters.clientCa),
    ])
    if (pair.status === 'fulfilled' && ca.status === 'fulfilled')
      return new Certificate(settings, pair.value, ca.value, counters)
    for (const each of [pair, ca]) if (each.status === 'fulfilled') each.value?.[Symbol.dispose]()
    const reasons = [pair, ca].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    throw reasons.length === 1 ? reasons[0] : new AggregateError(reasons)
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
  async look(): Promise<void> {
    await Promise.all([this.#files.look(), this.clientCa?.look()])
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
    this.clientCa?.[Symbol.dispose]()
  }
}

async function followPair(settings: TlsSettings, log: Logger, counters: TlsCounters) {
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
  return files
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
