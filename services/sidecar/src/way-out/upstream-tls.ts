import type { TLSSocket } from 'node:tls'
import type { TlsDialOptions } from '@uds-sidecar/shared/dial/dial-tls'
import { peerChain } from '@uds-sidecar/shared/dial/peer-chain'
import { factsOf } from '@uds-sidecar/shared/dial/tls-failure'
import type { TcpEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { UpstreamTlsSettings } from '../config/way-out-schema.ts'
import { FollowedFiles } from '../files/followed-files.ts'
import type { PeerCertificate, UpstreamTlsStatus } from '../observe/outgoing-status.ts'
import { writePromptly } from '../tls/prompt-writes.ts'
import { isExpired, isSameMaterial, readMaterial, type UpstreamMaterial } from './upstream-material.ts'

/** How long a TLS session is resumed. The checks of its certificate are those of the handshake that began it. */
const SESSION_MS = 10 * 60_000

export interface UpstreamTlsParts {
  readonly settings: UpstreamTlsSettings
  readonly endpoint: TcpEndpoint
  /** Offers http/1.1 by ALPN. */
  readonly isHttp: boolean
  readonly log: Logger
  readonly counters: { reloadFailures: number }
}

/** TLS towards the upstream of one route. It follows its files: connections are made with what they have now. */
export class UpstreamTls implements UpstreamTlsStatus, Disposable {
  readonly settings: UpstreamTlsSettings
  readonly serverName: string
  /** Called when the files have changed: connections that are open were made with the old ones. */
  onReplaced: () => void = () => undefined
  /** The certificate of the upstream in the last full handshake that succeeded; null before the first. */
  peer: PeerCertificate | null = null
  readonly #protocols: readonly string[] | undefined
  readonly #files: FollowedFiles<UpstreamMaterial>
  #session: { readonly bytes: Buffer; readonly untilMs: number } | null = null

  private constructor(
    { settings, endpoint, isHttp }: UpstreamTlsParts,
    files: FollowedFiles<UpstreamMaterial>,
  ) {
    this.settings = settings
    this.serverName = settings.serverName ?? nameOf(endpoint)
    this.#protocols = isHttp ? ['http/1.1'] : settings.alpn
    this.#files = files
    files.onReplaced = () => {
      this.#session = null
      this.onReplaced()
    }
  }

  /** @throws Failure `bad_config` when files are missing or bad. An own certificate that has expired is only a warning. */
  static async load(parts: UpstreamTlsParts): Promise<UpstreamTls> {
    const { settings, log, counters } = parts
    const { ca, certificate, key } = settings
    const files = await FollowedFiles.load<UpstreamMaterial>({
      paths: [ca, certificate, key].filter((path) => path !== undefined),
      read: (former) => readMaterial(settings, former),
      isSame: isSameMaterial,
      logFields: ({ pair }) => ({ ca, certificate, expires: pair?.expiresAt }),
      texts: { taken: TAKEN, kept: KEPT },
      counters,
      log,
    })
    const { pair } = files.value
    if (pair !== null && isExpired(pair)) log.warn({ certificate, expired: pair.expiresAt }, EXPIRED)
    return new UpstreamTls(parts, files)
  }

  get subject(): string | null {
    return this.#files.value.pair?.subject ?? null
  }

  get expiresAt(): Date | null {
    return this.#files.value.pair?.expiresAt ?? null
  }

  get since(): Date {
    return this.#files.since
  }

  get lastFailure(): Failure | null {
    return this.#files.lastFailure
  }

  /** For the next connection. */
  dialOptions(): TlsDialOptions {
    const { value } = this.#files
    const isUsable = this.#session !== null && performance.now() < this.#session.untilMs
    return {
      context: value.context,
      serverName: this.serverName,
      protocols: this.#protocols,
      session: isUsable ? this.#session?.bytes : undefined,
      observe: (socket) => this.#observe(socket, value),
    }
  }

  look(): Promise<void> {
    return this.#files.look()
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
  }

  /** Node emits `session` only for a verified certificate: the name of a server that resumes one is not checked again. */
  #observe(socket: TLSSocket, material: UpstreamMaterial): void {
    socket.on('session', (bytes) => {
      if (material === this.#files.value) this.#keep(socket, bytes)
    })
    socket.once('secureConnect', () => {
      writePromptly(socket)
      if (!socket.isSessionReused()) this.peer = peerOf(socket)
    })
  }

  #keep(socket: TLSSocket, bytes: Buffer): void {
    const leftMs = (peerChain(socket, 1)[0]?.validToDate.getTime() ?? 0) - Date.now()
    this.#session = { bytes, untilMs: performance.now() + Math.min(SESSION_MS, leftMs) }
  }
}

const TAKEN = 'the new certificates for the upstream are in use'
const KEPT = 'the new certificates for the upstream are refused, the old ones stay in use'
const EXPIRED = 'the own certificate for the upstream has expired: the upstream will refuse it'

/** A final dot makes a name absolute; certificates and SNI have none. */
function nameOf({ host }: TcpEndpoint): string {
  const [address = host] = host.split('%')
  return address.replace(/\.$/, '')
}

function peerOf(socket: TLSSocket): PeerCertificate | null {
  const [certificate] = peerChain(socket, 1)
  if (certificate === undefined) return null
  const { subject, issuer, validTo } = factsOf(certificate)
  return { subject, issuer, expiresAt: validTo, protocol: socket.getProtocol() ?? '', seenAt: new Date() }
}
