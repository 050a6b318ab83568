import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Config, Route } from '../config/config.ts'
import type { NameResolver } from '../egress/egress-policy.ts'
import { together } from '../files/bad-files.ts'
import type { Credentials } from '../identity/credentials.ts'
import type { Identities } from '../identity/identities.ts'
import type { OutgoingCounters } from '../observe/outgoing-status.ts'
import type { TlsCounters } from '../observe/tls-status.ts'
import type { Certificate } from '../tls/certificate.ts'
import { checkCertificates, type ListenerName, loadCertificates, tlsListeners } from './certificates.ts'
import { checkCredentials, loadCredentials } from './credentials.ts'
import type { ReloadPlan } from './reload-plan.ts'
import type { RouteFiles } from './running-route.ts'
import { checkWaysOut, loadWaysOut } from './ways-out.ts'

/** What a new configuration has read from files. */
export interface ReloadFiles {
  /** Tokens and passwords of clients; null where no client has a file. */
  readonly credentials: Credentials | null
  /** Of the operations port; null without TLS, or where that continues. */
  readonly opsTls: Certificate | null
  /** Of a route that starts. */
  of(route: Route): RouteFiles
}

/** What `readFiles` needs of the running sidecar. */
export interface RunningFiles {
  readonly log: Logger
  readonly identities: Identities
  readonly resolver: NameResolver
  /** Counters that a listener, or a route, of this name already has: they survive a reload. */
  tlsCountersOf(name: ListenerName): TlsCounters | undefined
  outgoingCountersOf(name: string): OutgoingCounters | undefined
}

/**
 * Reads all files that the routes of `plan.begun`, the operations port and the clients need.
 * @param opened gets what is to be disposed of when a later step fails.
 * @throws Failure `bad_config` that names all missing and bad files.
 */
export async function readFiles(
  config: Config,
  plan: ReloadPlan,
  { log, identities, resolver, tlsCountersOf, outgoingCountersOf }: RunningFiles,
  opened: AsyncDisposableStack,
): Promise<ReloadFiles> {
  const begun = plan.begun.map(({ route }) => route)
  const listeners = tlsListeners(config, begun, plan.ops !== 'same')
  const keepAll = <K, T extends Disposable>(read: Map<K, T>) => {
    for (const each of read.values()) opened.use(each)
    return read
  }
  const former = identities.credentials ?? undefined
  const ofClients = loadCredentials(config.clients, log, former).then((read) => opened.use(read))
  const ofListeners = loadCertificates(listeners, log, tlsCountersOf).then(keepAll)
  const ofUpstreams = loadWaysOut(begun, resolver, log, outgoingCountersOf).then(keepAll)
  const [credentials, certificates, waysOut] = await together([ofClients, ofListeners, ofUpstreams])
  return {
    credentials,
    opsTls: certificates.get(null) ?? null,
    of: ({ name }) => ({ tls: certificates.get(name) ?? null, outgoing: waysOut.get(name) ?? null }),
  }
}

/** Reads all files of a configuration and forgets them: for `--check`. @throws Failure `bad_config` */
export async function checkFiles(config: Config, log: Logger): Promise<void> {
  await together([checkCertificates(config, log), checkCredentials(config, log), checkWaysOut(config, log)])
}
