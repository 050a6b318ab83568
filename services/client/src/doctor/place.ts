import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { ClientConfig } from '../config.ts'

export const PROTOCOLS = ['http', 'echo', 'none'] as const

/** What to say once connected: a GET, the line `ping`, or nothing. */
export type Protocol = (typeof PROTOCOLS)[number]

/** What is known of an endpoint beforehand. */
export interface Place {
  readonly endpoint: Endpoint
  readonly protocol: Protocol
  /** What is asked for over HTTP. */
  readonly path: string
  /** The Compose service that listens there. */
  readonly service?: string
  /** The Compose volume that holds the socket. */
  readonly volume?: string
  /** Whom the socket is for, where being denied is right for everybody else. */
  readonly onlyFor?: string
}

type Knowledge = Omit<Place, 'endpoint'>

const app = { service: 'app', protocol: 'http' } as const
const sidecar = { service: 'sidecar', protocol: 'http' } as const

const KNOWN: Readonly<Record<keyof ClientConfig, Knowledge>> = {
  api: { ...app, path: '/-/ready', volume: 'api-socket' },
  echo: { ...app, path: '/', protocol: 'echo', volume: 'api-socket' },
  metrics: { ...app, path: '/metrics', volume: 'metrics-socket', onlyFor: 'its group' },
  admin: { ...app, path: '/', volume: 'api-socket', onlyFor: 'its owner' },
  tcpApi: { ...sidecar, path: '/-/ready' },
  tcpEcho: { ...sidecar, path: '/', protocol: 'echo' },
  tcpMetrics: { ...sidecar, path: '/metrics' },
  ops: { ...sidecar, path: '/-/ready' },
}

/** Every place of the stack, sockets first. */
export function placesOf(config: ClientConfig): Place[] {
  const names = Object.keys(KNOWN) as (keyof ClientConfig)[]
  return names.map((name) => ({ endpoint: config[name], ...KNOWN[name] }))
}

/**
 * A place that somebody named. What the configuration knows of it counts, but nobody asks about a socket that they
 * do not need: being denied is never right here.
 */
export function placeAt(endpoint: Endpoint, config: ClientConfig, protocol: Protocol | undefined): Place {
  const text = formatEndpoint(endpoint)
  const known = placesOf(config).find((place) => formatEndpoint(place.endpoint) === text)
  const { onlyFor: _, ...place } = known ?? { endpoint, protocol: 'http' as const, path: '/' }
  return { ...place, protocol: protocol ?? place.protocol }
}
