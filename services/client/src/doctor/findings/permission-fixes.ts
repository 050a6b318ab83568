import type { FileFacts } from '@uds-sidecar/shared/inspect/file-facts'
import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { classMay, permissionClass } from '@uds-sidecar/shared/inspect/permission'
import type { ProcessIdentity } from '@uds-sidecar/shared/inspect/process-identity'
import type { Fix } from '../diagnosis.ts'
import { compose, shell } from '../finding.ts'

const LETTERS = { 1: 'x', 2: 'w' } as const

/** The right that is missing: search a directory, write to a socket. */
export type Right = keyof typeof LETTERS

/** What gives this process the right: another mode where its own class lacks it, the group where that has it. */
export function permissionFixes(path: string, facts: FileFacts, who: ProcessIdentity, right: Right): Fix[] {
  const ours = permissionClass(facts, who)
  if (classMay(facts, ours, right)) return beyondTheMode(path)
  if (ours === 'owner') return [shell(`chmod u+${LETTERS[right]} ${path}`)]
  if (ours === 'group') return widenGroup(path, facts, right)
  const join = [compose(`group_add: ["${facts.gid}"]`), shell(`sudo usermod -aG ${facts.gid} "$(id -un)"`)]
  return classMay(facts, 'group', right) ? join : [...widenGroup(path, facts, right), ...join]
}

function widenGroup(path: string, facts: FileFacts, right: Right): Fix[] {
  const wider = formatMode(facts.mode | (right << 3))
  const where =
    facts.kind === 'directory'
      ? compose(`o: "uid=${facts.uid},gid=${facts.gid},mode=${wider}"`, 'driver_opts of its volume')
      : undefined
  return [...(where === undefined ? [] : [where]), shell(`chmod g+${LETTERS[right]} ${path}`)]
}

/** The mode lets us through and the kernel does not: an access control list or a security module. */
function beyondTheMode(path: string): Fix[] {
  return [
    shell(`getfacl ${path}`, 'an access control list may say otherwise than the mode'),
    shell('dmesg | grep -iE "apparmor|avc"', 'or AppArmor or SELinux denies it'),
  ]
}
