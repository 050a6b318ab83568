import type { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls'

/**
 * The certificate of the other end of a TLS connection, then its issuers as far as Node knows them.
 *
 * They are made from their DER. `getPeerX509Certificate()` must not be used: Node 26.10 never frees the chain that it
 * returns, and the other end chooses how long that is (measured: 1 MiB for each handshake with 220 certificates).
 * @param max of certificates; the rest is left out.
 * @returns nothing if the other end presented none, or the handshake is not done
 */
export function peerChain(socket: TLSSocket, max: number): readonly X509Certificate[] {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  const chain: X509Certificate[] = []
  let next: PeerCertificate | DetailedPeerCertificate | undefined = socket.getPeerCertificate(max > 1)
  while (next?.raw !== undefined && chain.length < max) {
    chain.push(new X509Certificate(next.raw))
    const issuer: DetailedPeerCertificate | undefined =
      'issuerCertificate' in next ? next.issuerCertificate : undefined
    next = issuer === next ? undefined : issuer // a root is its own issuer
  }
  return chain
}
