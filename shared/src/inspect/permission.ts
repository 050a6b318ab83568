import type { FileFacts } from './file-facts.ts'
import type { ProcessIdentity } from './process-identity.ts'

export type PermissionClass = 'owner' | 'group' | 'others'

/** What connect(2) needs: to write to the socket, to search each directory on the way (unix(7), path_resolution(7)). */
export const NEEDED = { socket: 0o2, directory: 0o1 } as const

const SHIFT: Record<PermissionClass, number> = { owner: 6, group: 3, others: 0 }

/** Which three bits of a mode the kernel asks for this process: the first class that fits, and no other. */
export function permissionClass({ uid, gid }: FileFacts, who: ProcessIdentity): PermissionClass {
  if (uid === who.uid) return 'owner'
  return who.gids.includes(gid) ? 'group' : 'others'
}

/** Whether one class has these rights (r 4, w 2, x 1) by the mode. */
export function classMay({ mode }: FileFacts, asked: PermissionClass, rights: number): boolean {
  return ((mode >> SHIFT[asked]) & rights) === rights
}

/** Whether the mode lets this process; access control lists and security modules may still say otherwise. */
export function modePermits(facts: FileFacts, who: ProcessIdentity, rights: number): boolean {
  return who.bypassesPermissions || classMay(facts, permissionClass(facts, who), rights)
}
