import { requirePeerCredentials } from '@uds-sidecar/shared/kernel/peer'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Client } from '../config/clients-schema.ts'
import type { Config, Route } from '../config/config.ts'
import type { Credentials } from '../identity/credentials.ts'

/**
 * Reads the files of the clients that have one. Their module is imported only then: it would cost each start.
 * @param former credentials in use: files that are the same go on with their state.
 * @returns null when no client has a file.
 * @throws Failure `bad_config` that names every missing and bad file.
 */
export async function loadCredentials(
  clients: readonly Client[],
  log: Logger,
  former?: Credentials,
): Promise<Credentials | null> {
  if (!clients.some(({ kind }) => kind === 'token' || kind === 'basic')) return null
  const { Credentials } = await import('../identity/credentials.ts')
  return await Credentials.load(clients, log, former)
}

/** Reads the files of a whole configuration and forgets them: for `--check`. @throws Failure `bad_config` */
export async function checkCredentials({ clients }: Config, log: Logger): Promise<void> {
  const credentials = await loadCredentials(clients, log)
  credentials?.[Symbol.dispose]()
}

/** A proxy that is known by its uid connects on a Unix socket. */
function trustsUids({ listen, trustedProxies = [] }: Route): boolean {
  return listen.kind === 'unix' && trustedProxies.some((text) => text.startsWith('uid:'))
}

/** Where a rule is for a uid or gid, the kernel must tell it. @throws Failure `peer_unknown` */
export function requireCallers({ routes, opsAccess }: Config): void {
  const needsPeer = ({ kind }: Client) => kind === 'uid' || kind === 'gid'
  const route = routes.find((each) => each.clients.some(needsPeer) || trustsUids(each))
  if (route !== undefined) requirePeerCredentials(`the route ${route.name}`)
  else if (opsAccess?.clients.some(needsPeer)) requirePeerCredentials('the operations port')
}
