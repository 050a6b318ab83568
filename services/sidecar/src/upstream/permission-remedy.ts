import type { FileFacts } from '@uds-sidecar/shared/inspect/file-facts'
import { classMay, modePermits, NEEDED, permissionClass } from '@uds-sidecar/shared/inspect/permission'
import type { ProcessIdentity } from '@uds-sidecar/shared/inspect/process-identity'
import { shellCommand } from '@uds-sidecar/shared/text/shell-word'

/** What gives `who` the right that it lacks on the file at `path`: a line of Compose, or a command. */
export function permissionRemedy(
  path: string,
  facts: FileFacts,
  who: ProcessIdentity,
  needed: number,
): string {
  if (modePermits(facts, who, needed)) return 'look at access control lists, AppArmor and SELinux'
  const letter = needed === NEEDED.socket ? 'w' : 'x'
  const ours = permissionClass(facts, who)
  if (ours === 'owner') return shellCommand('chmod', `u+${letter}`, path)
  const join = `add group_add: ["${facts.gid}"] to this service`
  if (classMay(facts, 'group', needed)) return join
  const widen = `${shellCommand('chmod', `g+${letter}`, path)}${ours === 'group' ? '' : ` and ${join}`}`
  return `${widen}, unless it is meant for uid ${facts.uid} alone`
}
