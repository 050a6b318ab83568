import { join } from 'node:path'
import { mainOf } from '../programs.ts'
import type { Candidate, Program, Where } from './candidate.ts'

/** Ours. Every check, limit, deadline and metric is on, at its default. */
export const sidecar: Candidate = {
  name: 'sidecar',
  note: 'a route of kind http; every check, limit, deadline and metric at its default',
  layer: 'http',
  program: (where) => withRoute(where, { kind: 'http', allow: ['GET /bytes/*'] }),
}

export const sidecarStream: Candidate = {
  name: 'sidecar stream',
  note: 'a route of kind stream; limits, deadlines and metrics at their defaults',
  layer: 'bytes',
  program: (where) => withRoute(where, { kind: 'stream' }),
}

/** The program with one route of these settings. */
export function withRoute(where: Where, settings: object): Program {
  return withRoutes(where, settings, 1)
}

/** With so many routes, on this port and those after it. */
export function withRoutes({ port, socket, directory }: Where, settings: object, count: number): Program {
  const routes = Array.from({ length: count }, (_, i) => ({
    name: `route-${i}`,
    listen: `tcp://127.0.0.1:${port + i}`,
    upstream: `unix:${socket}`,
    ...settings,
  }))
  return {
    command: [process.execPath, mainOf('sidecar')],
    env: { SIDECAR_CONFIG: join(directory, 'sidecar.yaml'), LOG_LEVEL: 'error' },
    files: { 'sidecar.yaml': JSON.stringify({ routes }) }, // JSON is YAML
  }
}
