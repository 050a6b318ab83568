import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { inspectFile } from '@uds-sidecar/shared/inspect/inspect-file'
import { processIdentity } from '@uds-sidecar/shared/inspect/process-identity'

/**
 * Why file permissions cannot deny this process that socket, whatever its mode is; undefined when they can.
 * Looks at who we are and never at the mode, so that a mode that is too wide is not taken for a reason.
 */
export async function whyPermitted(endpoint: Endpoint, { groupCounts }: { groupCounts: boolean }) {
  if (endpoint.kind !== 'unix') return 'file permissions belong to socket files alone'
  const { uid, gids, bypassesPermissions } = processIdentity()
  if (bypassesPermissions) return `uid ${uid} may bypass them (CAP_DAC_OVERRIDE)`
  const { facts } = await inspectFile(endpoint.path)
  if (facts === null) return undefined
  if (facts.uid === uid) return `uid ${uid} owns it`
  return groupCounts && gids.includes(facts.gid) ? `we are in its group, ${facts.gid}` : undefined
}
