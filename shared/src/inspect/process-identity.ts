import { readFileSync } from 'node:fs'

/** Who this process is to the file system. */
export interface ProcessIdentity {
  readonly uid: number
  /** The effective group and the supplementary ones. */
  readonly gids: readonly number[]
  /** Whether no permission check holds it: CAP_DAC_OVERRIDE on Linux, uid 0 elsewhere. Root without it is held. */
  readonly bypassesPermissions: boolean
}

/** Bit 1 of the capability set (linux/capability.h). */
const CAP_DAC_OVERRIDE = 1n << 1n

export function processIdentity(): ProcessIdentity {
  const uid = process.geteuid?.() ?? -1
  const gids = [...new Set([process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])])]
  return { uid, gids, bypassesPermissions: process.platform === 'linux' ? hasDacOverride() : uid === 0 }
}

/** `uid 10003 with groups 10003, 10200` */
export function formatIdentityOfProcess({ uid, gids }: ProcessIdentity): string {
  return `uid ${uid} with ${gids.length === 1 ? 'group' : 'groups'} ${gids.join(', ')}`
}

function hasDacOverride(): boolean {
  const mask = /^CapEff:\s*(?<mask>[0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.groups?.mask
  return (BigInt(`0x${mask ?? '0'}`) & CAP_DAC_OVERRIDE) !== 0n
}
