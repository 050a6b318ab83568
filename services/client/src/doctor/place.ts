import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { ClientConfig, StackEndpoints } from '../config.ts'

export const PROTOCOLS = ['http', 'echo', 'none'] as const

/** What to send after connecting: a GET, the line `ping`, or nothing. */
export type Protocol = (typeof PROTOCOLS)[number]

/** What is known about an endpoint in advance. */
export interface Place {
  readonly endpoint: Endpoint
  readonly protocol: Protocol
  /** The path of the GET. */
  readonly path: string
  /** The Compose service that listens there. */
  readonly service?: string
  /** The Compose volume that holds the socket. */
  readonly volume?: string
  /** Who may use the socket, if everybody else should be denied. */
  readonly onlyFor?: string
}

type Knowledge = Omit<Place, 'endpoint'>

const app = { service: 'app', protocol: 'http' } as const
const sidecar = { service: 'sidecar', protocol: 'http' } as const

const KNOWN: Readonly<Record<keyof StackEndpoints, Knowledge>> = {
  api: { ...app, path: '/-/ready', volume: 'api-socket' },
  echo: { ...app, path: '/', protocol: 'echo', volume: 'api-socket' },
  metrics: { ...app, path: '/metrics', volume: 'metrics-socket', onlyFor: 'its group' },
  admin: { ...app, path: '/', volume: 'api-socket', onlyFor: 'its owner' },
  tcpApi: { ...sidecar, path: '/-/ready' },
  tcpEcho: { ...sidecar, path: '/', protocol: 'echo' },
  tcpMetrics: { ...sidecar, path: '/metrics' },
  ops: { ...sidecar, path: '/-/ready' },
}

/** Every endpoint of the stack, sockets first. */
export function placesOf(config: ClientConfig): Place[] {
  const names = Object.keys(KNOWN) as (keyof StackEndpoints)[]
  return names.map((name) => ({ endpoint: config[name], ...KNOWN[name] }))
}

/**
 * An endpoint that the user named, with what the configuration knows about it. Whoever asks about a socket wants to use
 * it, so being denied is always a finding here.
 */
export function placeAt(endpoint: Endpoint, config: ClientConfig, protocol: Protocol | undefined): Place {
  const text = formatEndpoint(endpoint)
  const known = placesOf(config).find((place) => formatEndpoint(place.endpoint) === text)
  const { onlyFor: _, ...place } = known ?? { endpoint, protocol: 'http' as const, path: '/' }
  return { ...place, protocol: protocol ?? place.protocol }
}
