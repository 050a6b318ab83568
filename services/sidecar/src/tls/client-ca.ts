import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { peerChain } from '@uds-sidecar/shared/dial/peer-chain'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { FollowedFiles } from '../files/followed-files.ts'
import { certificateNames } from '../identity/certificate-names.ts'
import type { ClientCaCounters, ClientCaStatus } from '../observe/tls-status.ts'
import { type ProvenCertificate, setProvenCertificate } from '../relay/caller.ts'
import { type AuthorityBundle, chainTo, hasExpired, MAX_CHAIN, readBundle } from './authority-bundle.ts'

/** How often connections are judged anew: certificates expire while they are open. */
const JUDGE_MS = 10_000

/** The CAs by which one listener verifies the certificates of its clients. It follows their file. */
export class ClientCa implements ClientCaStatus, Disposable {
  readonly path: string
  readonly counters: ClientCaCounters
  /** Called with each new bundle. */
  onReplaced: () => void = () => undefined
  /** Called every 10 s. */
  onTick: () => void = () => undefined
  readonly #files: FollowedFiles<AuthorityBundle>
  readonly #timer: NodeJS.Timeout

  private constructor(path: string, files: FollowedFiles<AuthorityBundle>, counters: ClientCaCounters) {
    this.path = path
    this.counters = counters
    this.#files = files
    files.onReplaced = () => this.onReplaced()
    this.#timer = setInterval(() => this.onTick(), JUDGE_MS).unref()
  }

  /** @throws Failure `bad_config` when the file is missing or bad. A CA that has expired is only a warning. */
  static async load(path: string, log: Logger, counters: ClientCaCounters): Promise<ClientCa> {
    const files = await FollowedFiles.load<AuthorityBundle>({
      paths: [path],
      read: (former) => readUsable(path, former),
      isSame: (one, other) => one.pems.join() === other.pems.join(),
      logFields: ({ pems, expiresAt }) => ({ clientCa: path, authorities: pems.length, expires: expiresAt }),
      texts: { taken: TAKEN, kept: KEPT },
      counters,
      log,
    })
    const { expiresAt } = files.value
    if (expiresAt.getTime() <= Date.now()) log.warn({ clientCa: path, expired: expiresAt }, EXPIRED)
    return new ClientCa(path, files, counters)
  }

  /** PEM. */
  get authorities(): readonly string[] {
    return this.#files.value.pems
  }

  get expiresAt(): Date {
    return this.#files.value.expiresAt
  }

  get since(): Date {
    return this.#files.since
  }

  get lastFailure(): Failure | null {
    return this.#files.lastFailure
  }

  /** Takes over the file if it has changed. Resolves after a look that has begun after this call. */
  look(): Promise<void> {
    return this.#files.look()
  }

  /**
   * Keeps what the certificate of this client proves, for `provenCertificateOf`. Node goes on with a handshake whose
   * certificate could not be verified.
   * @returns false when the client presented a certificate that is not valid here; true also when it presented none.
   */
  admits(client: TLSSocket): boolean {
    if (client.getPeerCertificate().raw === undefined) return true
    if (!client.authorized) return false
    const proven = this.#prove(peerChain(client, MAX_CHAIN + 1))
    if (proven === null || !proven.isValid()) return false
    setProvenCertificate(client, proven)
    return true
  }

  /** Null when no CA in use has issued the certificate: the CAs were replaced during the handshake. */
  #prove(sent: readonly X509Certificate[]): ProvenCertificate | null {
    const [leaf] = sent
    const chain = chainTo(this.#files.value, sent)
    if (leaf === undefined || chain === null) return null
    const { anchor, from, to } = chain
    return {
      names: certificateNames(leaf.raw) ?? { uris: [], dns: [], mails: [] },
      isValid: () => {
        const now = Date.now()
        return from <= now && now < to && this.#files.value.anchors.has(anchor)
      },
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#files[Symbol.dispose]()
  }
}

const EXPIRED = 'a CA of tls.clientCa has expired: certificates that it issued are refused'
const TAKEN = 'the new client CA is in use'
const KEPT = 'the new client CA is refused, the old one stays in use'

/** Reads the bundle. One whose CAs have all expired replaces only another such bundle. */
function readUsable(path: string, former: AuthorityBundle | undefined): AuthorityBundle {
  const bundle = readBundle(path)
  if (former !== undefined && hasExpired(bundle) && !hasExpired(former))
    throw new Failure('bad_config', {
      message: `every CA in ${path} has expired`,
      hint: 'write the CA in use into the file, and check the clock of this machine',
    })
  return bundle
}
