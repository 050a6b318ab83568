import { readFileSync } from 'node:fs'
import type { FileFacts } from './file-facts.ts'

/** Who this process is to the file system. */
export interface ProcessIdentity {
  readonly uid: number
  /** The effective group and the supplementary ones. */
  readonly gids: readonly number[]
  /**
   * Whether no permission check holds it: CAP_DAC_OVERRIDE on Linux, where root without it is held; uid 0 elsewhere, and
   * where Linux does not say.
   */
  readonly bypassesPermissions: boolean
}

/** Bit 1 of the capability set (linux/capability.h). */
const CAP_DAC_OVERRIDE = 1n << 1n

/**
 * Never throws, for failures are explained with it.
 * @param status the text of `/proc/self/status`; throws without /proc, and where no descriptor is left.
 */
export function processIdentity(status = () => readFileSync('/proc/self/status', 'utf8')): ProcessIdentity {
  const uid = process.geteuid?.() ?? -1
  const gids = [...new Set([process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])])]
  const capable = process.platform === 'linux' ? hasDacOverride(status) : undefined
  return { uid, gids, bypassesPermissions: capable ?? uid === 0 }
}

/** `uid 10003 with groups 10003, 10200` */
export function formatIdentityOfProcess({ uid, gids }: ProcessIdentity): string {
  return `uid ${uid} with ${gids.length === 1 ? 'group' : 'groups'} ${gids.join(', ')}`
}

function hasDacOverride(status: () => string): boolean | undefined {
  const mask = /^CapEff:\s*(?<mask>[0-9a-f]+)$/m.exec(textOf(status))?.groups?.mask
  return mask === undefined ? undefined : (BigInt(`0x${mask}`) & CAP_DAC_OVERRIDE) !== 0n
}

/** Empty where it cannot be had: who asks is explaining a failure, which may be why. */
function textOf(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

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
