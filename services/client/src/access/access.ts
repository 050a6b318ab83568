import { BlockList, isIP } from 'node:net'
import type { TlsDialOptions } from '@uds-sidecar/shared/dial/dial-tls'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { usageError } from '../cli/cli-error.ts'
import { type ClientConfig, STACK_PORTS, type StackPort } from '../config.ts'
import { readTlsContext, readToken, type TlsFiles } from './read-files.ts'

/** The values of `TLS_OPTIONS`, `ACCESS_OPTIONS` or `STACK_ACCESS_OPTIONS`. */
export interface AccessValues extends TlsFiles {
  readonly tls: boolean
  readonly servername?: string | undefined
  readonly 'token-file'?: string | undefined
  readonly 'tls-for'?: readonly StackPort[] | undefined
}

/** What every connection, and every request, to one endpoint gets. */
export interface Reach {
  /** Undefined: plain. */
  readonly tls: TlsDialOptions | undefined
  /** Fields of a request: the token, and for TLS the host that the certificate is for. */
  readonly headers: Readonly<Record<string, string>>
  readonly hasCertificate: boolean
  readonly hasToken: boolean
}

export const PLAIN: Reach = { tls: undefined, headers: {}, hasCertificate: false, hasToken: false }

/** How to reach each endpoint. */
export type Access = (endpoint: Endpoint) => Reach

/** Every endpoint as it is: no TLS, no token. */
export const PLAIN_ACCESS: Access = () => PLAIN

/**
 * How to reach the one endpoint of a command.
 * @throws CliError `usage` for options that contradict each other, or do not fit this endpoint
 * @throws Failure `bad_config` for a file that is missing or bad
 */
export async function reachOf(
  endpoint: Endpoint,
  values: AccessValues,
  config: ClientConfig,
): Promise<Reach> {
  if (!isGiven(values)) return (await stackAccess(values, config))(endpoint)
  const option = tlsOption(values)
  if (option !== undefined && endpoint.kind !== 'tcp')
    throw usageError(
      `${option} does not go with ${formatEndpoint(endpoint)}`,
      'a Unix socket needs no TLS: leave the option out, or connect to tcp://host:port (--tcp)',
    )
  return (await accessOf(values))(endpoint)
}

/**
 * How to reach the endpoints of the stack: TLS and the token only where they belong, so that one set of options serves
 * sockets and ports. Without options the environment says it (CLIENT_CACERT and so on), for the stack's endpoints alone.
 * @throws as {@link reachOf}
 */
export async function stackAccess(given: AccessValues, config: ClientConfig): Promise<Access> {
  const values = isGiven(given) ? given : (config.access ?? given)
  const { 'tls-for': names } = values
  const access = await accessOf(values)
  if (names !== undefined && access === PLAIN_ACCESS)
    throw usageError(
      '--tls-for goes with neither TLS nor a token',
      'add --tls, --cacert, --cert or --token-file',
    )
  const chosen = new Set((names ?? []).map((name) => formatEndpoint(config[STACK_PORTS[name]])))
  const limited: Access = (endpoint) => {
    if (endpoint.kind !== 'tcp') return PLAIN
    return names === undefined || chosen.has(formatEndpoint(endpoint)) ? access(endpoint) : PLAIN
  }
  // Whether the token may go to each of them is said before anything is sent.
  for (const port of Object.values(STACK_PORTS)) limited(config[port])
  return limited
}

/**
 * How to reach endpoints that the user named: a tcp:// endpoint with TLS if an option asks for it, each with the token.
 * @throws as {@link reachOf}; the result throws CliError `usage` for an endpoint to which the token must not go
 */
export async function accessOf(values: AccessValues): Promise<Access> {
  checkTogether(values)
  const { cert, servername, 'token-file': tokenFile } = values
  const isTls = tlsOption(values) !== undefined
  if (!isTls && tokenFile === undefined) return PLAIN_ACCESS
  const context = isTls ? await readTlsContext(values) : undefined
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile)
  return (endpoint) => {
    const tls =
      context !== undefined && endpoint.kind === 'tcp' ? { context, serverName: servername } : undefined
    if (token !== undefined && tls === undefined) checkPrivate(endpoint)
    return {
      tls,
      headers: {
        ...hostField(endpoint, tls),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      hasCertificate: cert !== undefined && tls !== undefined,
      hasToken: token !== undefined,
    }
  }
}

/** Whether an option says how to reach an endpoint. */
export function isGiven({ tls, cacert, cert, key, servername, ...values }: AccessValues): boolean {
  const { 'token-file': tokenFile, 'tls-for': names } = values
  return tls || [cacert, cert, key, servername, tokenFile, names].some((value) => value !== undefined)
}

function checkTogether({ cert, key, servername, ...values }: AccessValues): void {
  if (cert !== undefined && key === undefined)
    throw usageError('--cert needs --key', 'add --key FILE: the key that belongs to the certificate')
  if (key !== undefined && cert === undefined)
    throw usageError('--key needs --cert', 'add --cert FILE: the certificate that belongs to the key')
  if (servername !== undefined && tlsOption({ ...values, cert }) === undefined)
    throw usageError('--servername needs TLS', 'add --tls, --cacert or --cert')
}

/** The option that asks for TLS, if any does. */
function tlsOption({ tls, cacert, cert }: AccessValues): string | undefined {
  if (tls) return '--tls'
  if (cacert !== undefined) return '--cacert'
  return cert === undefined ? undefined : '--cert'
}

/** A server behind TLS may serve several names. To others the client sends the same host whatever it dials. */
function hostField(endpoint: Endpoint, tls: TlsDialOptions | undefined): { host?: string } {
  if (tls === undefined || endpoint.kind !== 'tcp') return {}
  const host = tls.serverName ?? endpoint.host
  return { host: `${isIP(host) === 6 ? `[${host}]` : host}:${endpoint.port}` }
}

/** Whoever is on the way to another machine could read the token and use it. */
function checkPrivate(endpoint: Endpoint): void {
  if (endpoint.kind !== 'tcp' || isLoopback(endpoint.host)) return
  throw usageError(
    `--token-file would send the token unencrypted to ${formatEndpoint(endpoint)}, where others on the network can read it`,
    'add --cacert FILE or --tls; without TLS a token goes only to a loopback address or a Unix socket',
  )
}

function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost' // RFC 6761 section 6.3
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
