import { isIPv6 } from 'node:net'
import type { TcpEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { HttpRoute } from '../config/config.ts'
import { type Destination, foldedName } from '../http1/destination.ts'

/** The Host of requests to `endpoint` (RFC 9110 section 7.2): without the port if the scheme implies it. */
export function authorityOf({ host, port }: TcpEndpoint, isTls: boolean): string {
  const [address = host] = host.split('%') // a zone has no meaning to the server (RFC 6874)
  const name = isIPv6(address) ? `[${address}]` : host
  return port === (isTls ? 443 : 80) ? name : `${name}:${port}`
}

/**
 * What requests to an upstream on TCP get: its Host, and the credentials of the route.
 * @param lines the credentials as they are now.
 */
export function partnerOf(
  endpoint: TcpEndpoint,
  { credentials = [], forwarded = false, upstreamTls }: HttpRoute,
  lines: () => Buffer,
): Destination {
  const names = ['host', ...credentials.map(({ name }) => name)]
  return {
    hostLine: Buffer.from(`Host: ${authorityOf(endpoint, upstreamTls !== undefined)}\r\n`, 'latin1'),
    get credentialLines() {
      return lines()
    },
    isToldOrigin: forwarded,
    replaced: names.map(foldedName),
  }
}
