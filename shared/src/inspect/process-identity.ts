import { readFileSync } from 'node:fs'

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
