import { type FileFacts, formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { classMay, permissionClass } from '@uds-sidecar/shared/inspect/permission'
import type { ProcessIdentity } from '@uds-sidecar/shared/inspect/process-identity'
import { shellCommand } from '@uds-sidecar/shared/text/shell-word'
import type { Fix } from '../diagnosis.ts'
import { compose, shell } from '../finding.ts'

const LETTERS = { 1: 'x', 2: 'w' } as const

/** The right that is missing: search a directory, write to a socket. */
export type Right = keyof typeof LETTERS

/** What gives this process the right: joining the group that has it, a wider mode, or being the owner. */
export function permissionFixes(path: string, facts: FileFacts, who: ProcessIdentity, right: Right): Fix[] {
  const ours = permissionClass(facts, who)
  if (classMay(facts, ours, right)) return beyondTheMode(path)
  if (ours === 'owner') return [shell(shellCommand('chmod', `u+${LETTERS[right]}`, path))]
  const join = ours === 'group' ? [] : joinGroup(facts)
  if (classMay(facts, 'group', right)) return join
  return [
    ...(classMay(facts, 'owner', right) ? beOwner(facts) : []),
    ...widenGroup(path, facts, right),
    ...join,
  ]
}

function joinGroup({ gid }: FileFacts): Fix[] {
  return [compose(`group_add: ["${gid}"]`), shell(`sudo usermod -aG ${gid} "$(id -un)"`)]
}

/** A mode without rights for the group is often meant so. */
function beOwner({ uid }: FileFacts): Fix[] {
  return [compose(`user: "${uid}"`, 'if it is meant for its owner alone'), shell(`sudo -u "#${uid}" COMMAND`)]
}

function widenGroup(path: string, facts: FileFacts, right: Right): Fix[] {
  const wider = formatMode(facts.mode | (right << 3))
  const volume = compose(`o: "uid=${facts.uid},gid=${facts.gid},mode=${wider}"`, 'driver_opts of its volume')
  const chmod = shell(shellCommand('chmod', `g+${LETTERS[right]}`, path), 'if its group is meant to have it')
  return facts.kind === 'directory' ? [volume, chmod] : [chmod]
}

/** The mode lets us through and the kernel does not: an access control list or a security module. */
function beyondTheMode(path: string): Fix[] {
  return [
    shell(shellCommand('getfacl', path), 'an access control list may say otherwise than the mode'),
    shell('dmesg | grep -iE "apparmor|avc"', 'or AppArmor or SELinux denies it'),
  ]
}
