import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Candidate, Program, Where } from './candidate.ts'

const MAIN = fileURLToPath(new URL('../../../services/sidecar/src/main.ts', import.meta.url))

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

/** The program with one route of these settings, named `main`. */
export function withRoute({ port, socket, directory }: Where, settings: object): Program {
  const route = {
    name: 'main',
    listen: `tcp://127.0.0.1:${port}`,
    upstream: `unix:${socket}`,
    ...settings,
  }
  return {
    command: [process.execPath, MAIN],
    env: { SIDECAR_CONFIG: join(directory, 'sidecar.yaml'), LOG_LEVEL: 'error' },
    files: { 'sidecar.yaml': JSON.stringify({ routes: [route] }) }, // JSON is YAML
  }
}
