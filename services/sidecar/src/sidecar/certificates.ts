import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Config, Route } from '../config/config.ts'
import type { TlsSettings } from '../config/tls-schema.ts'
import { badFiles } from '../files/bad-files.ts'
import { TlsCounters } from '../observe/tls-status.ts'
import type { Certificate } from '../tls/certificate.ts'

/** The operations port among the listeners; null is no name of a route. */
export type ListenerName = string | null

interface Listener {
  readonly name: ListenerName
  readonly tls: TlsSettings
}

/** The listeners of `routes`, and of the operations port where `withOps`, that have TLS. */
export function tlsListeners({ opsTls }: Config, routes: readonly Route[], withOps: boolean): Listener[] {
  const ofRoutes = routes.flatMap(({ name, tls }) => (tls === undefined ? [] : [{ name, tls }]))
  return withOps && opsTls !== undefined ? [...ofRoutes, { name: null, tls: opsTls }] : ofRoutes
}

/**
 * Reads the certificates of these listeners. `node:tls` is imported only when there is one: it would cost each start.
 * @param countersOf counters that a listener of this name already has.
 * @throws Failure `bad_config` that names all missing and bad files.
 */
export async function loadCertificates(
  listeners: readonly Listener[],
  log: Logger,
  countersOf: (name: ListenerName) => TlsCounters | undefined = () => undefined,
): Promise<Map<ListenerName, Certificate>> {
  if (listeners.length === 0) return new Map()
  const { Certificate } = await import('../tls/certificate.ts')
  const loaded = await Promise.allSettled(
    listeners.map(async ({ name, tls }) => {
      const ownLog = log.child(name === null ? { listener: 'ops' } : { route: name })
      return [name, await Certificate.load(tls, ownLog, countersOf(name) ?? new TlsCounters())] as const
    }),
  )
  const reasons = loaded.flatMap((each) => (each.status === 'rejected' ? reasonsOf(each.reason) : []))
  const certificates = new Map(loaded.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])))
  if (reasons.length === 0) return certificates
  for (const certificate of certificates.values()) certificate[Symbol.dispose]()
  throw badFiles(reasons)
}

/** Reads the certificates of a whole configuration and forgets them: for `--check`. @throws Failure `bad_config` */
export async function checkCertificates(config: Config, log: Logger): Promise<void> {
  const certificates = await loadCertificates(tlsListeners(config, config.routes, true), log)
  for (const certificate of certificates.values()) certificate[Symbol.dispose]()
}

/** The reasons of one listener: its pair and its client CA may both be bad. */
function reasonsOf(reason: unknown): unknown[] {
  return reason instanceof AggregateError ? reason.errors : [reason]
}
