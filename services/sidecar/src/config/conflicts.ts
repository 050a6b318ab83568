import { clientConflicts } from './client-conflicts.ts'
import { type Entry, entryAt, type Mistake } from './mistake.ts'
import { proxyMistakes } from './proxy-schema.ts'
import { wayOutMistakes } from './way-out-schema.ts'

/**
 * Mistakes that the schema of one setting cannot see: names and listening addresses that the file gives twice,
 * settings of a socket file where there is none, TLS on a Unix socket, ALPN where it is no stream, the way out, proxies in
 * front, and clients that a listener cannot know.
 * It accepts data that the schema refuses, so that these mistakes are reported together with the others.
 */
export function conflicts(data: unknown): Mistake[] {
  const { ops, routes } = (data ?? {}) as { ops?: unknown; routes?: unknown }
  const rows = Array.isArray(routes) ? (routes as unknown[]) : []
  const listens = rows.map((row, index) => entryAt(row, ['routes', index], 'listen'))
  const opsListen = typeof ops === 'string' ? { value: ops, path: ['ops'] } : entryAt(ops, ['ops'], 'listen')
  return [
    ...twice(rows.map((row, index) => entryAt(row, ['routes', index], 'name'))),
    ...twice([opsListen, ...listens].filter(({ value }) => !isAnyPort(value))),
    ...rows.flatMap((row, index) => withoutSocketFile(row, index)),
    ...tlsOnUnixSocket(ops, ['ops']),
    ...rows.flatMap((row, index) => tlsOnUnixSocket(row, ['routes', index])),
    ...alpnWithoutStream(ops, ['ops']),
    ...rows.flatMap((row, index) => alpnWithoutStream(row, ['routes', index])),
    ...rows.flatMap((row, index) => wayOutMistakes(row, ['routes', index])),
    ...rows.flatMap((row, index) => proxyMistakes(row, ['routes', index])),
    ...clientConflicts(data),
  ]
}

/** The settings of the socket file on a route that has none. */
function withoutSocketFile(row: unknown, index: number): Mistake[] {
  const { value: listen } = entryAt(row, ['routes', index], 'listen')
  if (typeof listen !== 'string' || /^unix:(?!@)/.test(listen)) return []
  return ['mode', 'group', 'onConflict']
    .map((key) => entryAt(row, ['routes', index], key))
    .filter(({ value }) => value !== undefined)
    .map(({ path }) => ({
      path,
      message: 'is only for a route that listens on unix:/path, because only that has a socket file',
    }))
}

/** Who may connect to a Unix socket is decided by its file, and its bytes never leave the machine. */
function tlsOnUnixSocket(row: unknown, place: Mistake['path']): Mistake[] {
  const { value: listen } = entryAt(row, place, 'listen')
  const { value: tls, path } = entryAt(row, place, 'tls')
  if (tls === undefined || typeof listen !== 'string' || !listen.startsWith('unix:')) return []
  return [
    { path, message: 'is only for a listener on tcp://host:port, and this one listens on a Unix socket' },
  ]
}

/** HTTP routes and the operations port speak HTTP/1.1 alone: with h2 they would promise what they do not understand. */
function alpnWithoutStream(row: unknown, place: Mistake['path']): Mistake[] {
  const { value: kind } = entryAt(row, place, 'kind')
  if (kind !== 'http' && kind !== 'connect' && place[0] !== 'ops') return []
  return ['tls', 'upstreamTls']
    .map((key) => entryAt(entryAt(row, place, key).value, [...place, key], 'alpn'))
    .filter(({ value }) => value !== undefined)
    .map(({ path }) => ({ path, message: ALPN_WITHOUT_STREAM }))
}

const ALPN_WITHOUT_STREAM =
  'is only for kind: stream: everything else here speaks HTTP/1.1 and says so by itself; for HTTP/2 and gRPC use a route of kind stream'

function twice(entries: Entry[]): Mistake[] {
  const seen = new Set<unknown>()
  return entries.flatMap(({ value, path }) => {
    if (typeof value !== 'string') return []
    const same = value.replace(/^unix:\/\/\//, 'unix:/') // two ways to write one endpoint
    if (seen.has(same)) return [{ path, message: `${JSON.stringify(value)} is used twice` }]
    seen.add(same)
    return []
  })
}

/** With port 0 the kernel chooses a free port, so two such listeners do not conflict. */
function isAnyPort(value: unknown): boolean {
  return typeof value === 'string' && /^tcp:.*:0$/.test(value)
}
