import type { Endpoint } from './endpoint.ts'

/** The text that `parseEndpoint` reads back as the same endpoint. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      return `unix:${endpoint.path}`
    case 'abstract':
      return `unix:@${endpoint.name}`
    case 'tcp':
      return endpoint.host.includes(':')
        ? `tcp://[${endpoint.host}]:${endpoint.port}`
        : `tcp://${endpoint.host}:${endpoint.port}`
  }
}
