import type { UnixEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type FileFacts, formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectDirectories } from '@uds-sidecar/shared/inspect/inspect-directories'
import { inspectFile } from '@uds-sidecar/shared/inspect/inspect-file'
import { classMay, modePermits, NEEDED, permissionClass } from '@uds-sidecar/shared/inspect/permission'
import { type ProcessIdentity, processIdentity } from '@uds-sidecar/shared/inspect/process-identity'

/** What would let this process connect: the exact line of Compose, or what to change. */
export async function permissionHint({ path }: UnixEndpoint): Promise<string> {
  const who = processIdentity()
  const blocked = (await inspectDirectories(path)).find(({ traversable }) => !traversable)
  if (blocked !== undefined) return hintFor(blocked.path, blocked.facts, who, NEEDED.directory)
  const { facts, link } = await inspectFile(path)
  return hintFor(path, link?.facts ?? facts, who, NEEDED.socket)
}

function hintFor(path: string, facts: FileFacts | null, who: ProcessIdentity, needed: number): string {
  const us = `this process is uid ${who.uid} with groups ${who.gids.join(', ')}`
  if (facts === null) return `${path} cannot be looked at; ${us}`
  const what = `${path} is ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}; ${us}`
  return `${remedy(path, facts, who, needed)} (${what})`
}

function remedy(path: string, facts: FileFacts, who: ProcessIdentity, needed: number): string {
  if (modePermits(facts, who, needed)) return 'look at access control lists, AppArmor and SELinux'
  const isMember = permissionClass(facts, who) === 'group'
  if (!isMember && classMay(facts, 'group', needed)) return `add group_add: ["${facts.gid}"] to this service`
  const bit = needed === NEEDED.socket ? 'w' : 'x'
  const join = isMember ? '' : ` and add group_add: ["${facts.gid}"] to this service`
  return `let the group in with chmod g+${bit} ${path}${join}, unless it is meant for its owner alone`
}
