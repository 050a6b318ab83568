import type { Endpoint } from './endpoint.ts'

/** What `net.connect` and `server.listen` take for this endpoint. */
export function nodeAddress(endpoint: Endpoint): { path: string } | { host: string; port: number } {
  switch (endpoint.kind) {
    case 'unix':
      return { path: endpoint.path }
    case 'abstract':
      return { path: `\0${endpoint.name}` }
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port }
  }
}
