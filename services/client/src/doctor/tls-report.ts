import type { TLSSocket } from 'node:tls'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { type TlsDialOptions, tlsContext } from '@uds-sidecar/shared/dial/dial-tls'
import { peerChain } from '@uds-sidecar/shared/dial/peer-chain'
import { type CertificateFacts, factsOf, TlsFailure } from '@uds-sidecar/shared/dial/tls-failure'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'

/** The outcome of one TLS handshake. */
export type TlsReport =
  | {
      readonly done: true
      readonly ms: number
      readonly protocol: string
      readonly certificate: CertificateFacts
    }
  | { readonly done: false; readonly failure: Failure }

/** A server that refuses a certificate in TLS 1.3 says so only after the handshake, and a good one may say nothing. */
const VERDICT_MS = 1_000

/** Shakes hands, and sends nothing: a request could make the kernel drop an alert that is on its way. */
export async function handshake(
  endpoint: Endpoint,
  tls: TlsDialOptions,
  timeoutMs: number,
): Promise<TlsReport> {
  const start = performance.now()
  try {
    const socket = await dial(endpoint, { timeoutMs, tls })
    if (!isTls(socket)) throw new TypeError('dial with TLS connected without it')
    const ms = performance.now() - start
    const chain = peerChain(socket, 1)
    const protocol = socket.getProtocol() ?? 'TLS'
    const error = await verdict(socket, Math.min(VERDICT_MS, timeoutMs))
    if (error !== null) return { done: false, failure: new TlsFailure(endpoint, error, chain) }
    const [certificate] = chain
    if (certificate === undefined) throw new TypeError('a server without a certificate was accepted')
    return { done: true, ms, protocol, certificate: factsOf(certificate) }
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure
    return { done: false, failure }
  }
}

function isTls(socket: object): socket is TLSSocket {
  return 'getPeerCertificate' in socket
}

/** Waits until the server says something about the handshake: an alert (the error), data, a ticket, its end; or nothing. */
async function verdict(socket: TLSSocket, ms: number): Promise<Error | null> {
  const { promise, resolve } = Promise.withResolvers<Error | null>()
  const timer = setTimeout(resolve, ms, null)
  if (socket.getProtocol() !== 'TLSv1.3') resolve(null)
  socket
    .on('error', (error: NodeJS.ErrnoException) => resolve(error.code?.startsWith('ERR_SSL_') ? error : null))
    .once('session', () => resolve(null))
    .once('data', () => resolve(null))
    .once('end', () => resolve(null))
    .once('close', () => resolve(null))
  const error = await promise
  clearTimeout(timer)
  socket.destroy()
  return error
}

/** Whether a server that was asked without TLS speaks it. */
export async function speaksTls(endpoint: Endpoint, timeoutMs: number): Promise<boolean> {
  // It trusts nobody, so that the handshake ends as soon as the server has shown a certificate.
  const report = await handshake(endpoint, { context: tlsContext({ ca: [] }) }, timeoutMs)
  if (report.done) return true
  const { failure } = report
  return failure instanceof TlsFailure && failure.reason !== 'no_tls' && failure.reason !== 'closed'
}

/** Whether a server broke off a handshake without a word. */
export function isClosed(failure: Failure): boolean {
  return failure instanceof TlsFailure && failure.reason === 'closed'
}

const DAY_MS = 24 * 60 * 60 * 1_000
const SOON_DAYS = 14

/** How soon the certificate expires; undefined if it has more than 14 days left. */
export function expirySoon({ validTo }: CertificateFacts, now = Date.now()): string | undefined {
  const days = (validTo.getTime() - now) / DAY_MS
  if (days > SOON_DAYS) return undefined
  return days < 1 ? 'within a day' : `in ${Math.floor(days)} ${days < 2 ? 'day' : 'days'}`
}
