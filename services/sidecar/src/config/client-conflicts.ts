import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { isClientName, parseRule } from '../policy/rule.ts'
import type { ClientKind } from './clients-schema.ts'
import { entryAt, type Mistake } from './mistake.ts'

/** What can be told of a listener before the schema has seen it. */
interface Listener {
  readonly kind: 'http' | 'stream' | 'ops'
  /** Null: the setting is no endpoint. */
  readonly isUnix: boolean | null
  readonly isLoopback: boolean
  readonly hasTls: boolean
  readonly hasClientCa: boolean
}

/** A name after `for`. */
interface Named {
  readonly name: string
  readonly path: Mistake['path']
}

/** Names after `for` that no client has, that stand there twice, or that this listener cannot prove. */
export function clientConflicts(data: unknown): Mistake[] {
  const { ops, routes, clients } = (data ?? {}) as Record<string, unknown>
  const kinds = kindsOf(clients)
  const rows = Array.isArray(routes) ? (routes as unknown[]) : []
  const ofOps = mistakesAt(listenerOf(ops, 'ops'), [namesIn(ops, ['ops'])], kinds)
  const ofRoutes = rows.flatMap((row, index) => {
    const place = ['routes', index]
    const { value } = entryAt(row, place, 'kind')
    const kind = value === 'stream' ? 'stream' : 'http'
    const lists = kind === 'stream' ? [namesIn(row, place)] : namesInRules(row, place)
    return mistakesAt(listenerOf(row, kind), lists, kinds)
  })
  return [...ofOps, ...ofRoutes]
}

function kindsOf(clients: unknown): ReadonlyMap<string, ClientKind> {
  if (typeof clients !== 'object' || clients === null || Array.isArray(clients)) return new Map()
  const kinds = Object.entries(clients).map(([name, value]) => [name, kindOf(value)] as const)
  return new Map(kinds.filter(([name]) => isClientName(name)))
}

const KINDS: readonly ClientKind[] = ['token', 'basic', 'certificate', 'uid', 'gid']

/** Of a client that the schema refuses it does not matter. */
function kindOf(value: unknown): ClientKind {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  return KINDS.find((kind) => keys.includes(kind)) ?? 'token'
}

function namesIn(row: unknown, place: Mistake['path']): Named[] {
  const { value, path } = entryAt(row, place, 'for')
  if (!Array.isArray(value)) return []
  return (value as unknown[]).flatMap((name, index) =>
    typeof name === 'string' ? [{ name, path: [...path, index] }] : [],
  )
}

function namesInRules(row: unknown, place: Mistake['path']): Named[][] {
  const { value, path } = entryAt(row, place, 'allow')
  if (!Array.isArray(value)) return []
  return (value as unknown[]).map((rule, index) => {
    const parsed = typeof rule === 'string' ? parseRule(rule) : ''
    const names = typeof parsed === 'string' ? [] : parsed.clients
    return names.map((name) => ({ name, path: [...path, index] }))
  })
}

function mistakesAt(
  listener: Listener,
  lists: readonly (readonly Named[])[],
  kinds: ReadonlyMap<string, ClientKind>,
): Mistake[] {
  return lists.flatMap((names) =>
    names.flatMap(({ name, path }, index) => {
      const isTwice = names.findIndex((other) => other.name === name) < index
      const message = isTwice ? `names the client ${name} twice` : mistakeOf(name, kinds.get(name), listener)
      return message === undefined ? [] : [{ path, message }]
    }),
  )
}

function mistakeOf(
  name: string,
  kind: ClientKind | undefined,
  { kind: of, isUnix, isLoopback, hasTls, hasClientCa }: Listener,
): string | undefined {
  if (!isClientName(name)) return undefined // the schema says so
  if (kind === undefined) return `names ${name}, which is no client: add it to clients, or correct the name`
  if (kind === 'certificate' && !hasClientCa)
    return `names ${name}, which is known by its certificate: add tls.clientCa to this listener`
  if ((kind === 'uid' || kind === 'gid') && isUnix === false)
    return `names ${name}, which is known by its ${kind}: that is known of callers on a Unix socket alone, so listen on unix:/path`
  if ((kind === 'token' || kind === 'basic') && of === 'stream')
    return `names ${name}, which is known by a ${secretOf(kind)}: a stream has none, so name clients with a certificate, uid or gid`
  if ((kind === 'token' || kind === 'basic') && isUnix === false && !isLoopback && !hasTls)
    return `names ${name}, whose ${secretOf(kind)} everybody on the network could read: add tls to this listener, or listen on 127.0.0.1 or a Unix socket`
  return undefined
}

function secretOf(kind: 'token' | 'basic'): string {
  return kind === 'token' ? 'token' : 'password'
}

function listenerOf(row: unknown, kind: Listener['kind']): Listener {
  const listen = typeof row === 'string' ? row : entryAt(row, [], 'listen').value
  const tls = entryAt(row, [], 'tls').value
  const hasTls = typeof tls === 'object' && tls !== null
  return {
    kind,
    isUnix: typeof listen === 'string' ? listen.startsWith('unix:') : null,
    isLoopback: typeof listen === 'string' && isLoopback(listen),
    hasTls,
    hasClientCa: entryAt(tls, [], 'clientCa').value !== undefined,
  }
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether only this machine can connect to a TCP endpoint. */
export function isLoopback(listen: string): boolean {
  const host = /^tcp:\/\/\[?(.+?)\]?:\d+$/.exec(listen)?.[1] ?? ''
  if (host.toLowerCase() === 'localhost') return true
  return (isIPv4(host) && LOOPBACK.check(host)) || (isIPv6(host) && LOOPBACK.check(host, 'ipv6'))
}
