import type { UnixEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type FileFacts, formatMode, inspectFile } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectDirectories } from '@uds-sidecar/shared/inspect/inspect'
import {
  classMay,
  formatIdentityOfProcess,
  modePermits,
  NEEDED,
  type ProcessIdentity,
  permissionClass,
  processIdentity,
} from '@uds-sidecar/shared/inspect/permission'
import { shellCommand } from '@uds-sidecar/shared/text/shell-word'

/**
 * The change that gives `who` the missing permission on the file at `path`: a line for the Compose file, or a command
 * (path_resolution(7), unix(7)). When the mode already permits access, something other than the mode denies it.
 * @param needed the permission bits, from `NEEDED`.
 */
export function permissionRemedy(
  path: string,
  facts: FileFacts,
  who: ProcessIdentity,
  needed: number,
): string {
  if (modePermits(facts, who, needed))
    return 'the mode permits it: check access control lists, AppArmor and SELinux'
  const letter = needed === NEEDED.socket ? 'w' : 'x'
  const ours = permissionClass(facts, who)
  if (ours === 'owner') return shellCommand('chmod', `u+${letter}`, path)
  const join = `add group_add: ["${facts.gid}"] to this service`
  if (classMay(facts, 'group', needed)) return join
  const widen = `${shellCommand('chmod', `g+${letter}`, path)}${ours === 'group' ? '' : ` and ${join}`}`
  return `${widen}, unless only uid ${facts.uid} is meant to have access`
}

/**
 * What to change so that this process may connect to `path`: the first directory that denies access, or the socket.
 * Ends with the mode and owner of that file, and the identity of this process.
 */
export async function permissionHint({ path }: UnixEndpoint): Promise<string> {
  const who = processIdentity()
  const blocked = (await inspectDirectories(path)).find(({ traversable }) => !traversable)
  if (blocked !== undefined) return hintFor(blocked.path, blocked.facts, who, NEEDED.directory)
  const { facts, link } = await inspectFile(path)
  return hintFor(path, link?.facts ?? facts, who, NEEDED.socket)
}

function hintFor(path: string, facts: FileFacts | null, who: ProcessIdentity, needed: number): string {
  const us = `this process is ${formatIdentityOfProcess(who)}`
  if (facts === null) return `${path} cannot be inspected; ${us}`
  const what = `${path} is ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}`
  return `${permissionRemedy(path, facts, who, needed)} (${what}; ${us})`
}
