import { lstat, readFile } from 'node:fs/promises'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { errnoOf } from '@uds-sidecar/shared/failure/failure'

/** CAP_DAC_OVERRIDE is bit 1 (linux/capability.h): its holder passes every permission check. */
const DAC_OVERRIDE = 2n

/**
 * Why file permissions cannot deny this process that socket, whatever its mode is; undefined when they can.
 * Looks at who we are and never at the mode, so that a mode that is too wide is not taken for a reason.
 */
export async function whyPermitted(endpoint: Endpoint, { groupCounts }: { groupCounts: boolean }) {
  if (endpoint.kind !== 'unix') return 'file permissions belong to socket files alone'
  if (await bypassesPermissions()) return `uid ${process.geteuid?.()} may bypass them (CAP_DAC_OVERRIDE)`
  const owner = await ownerOf(endpoint.path)
  if (owner === undefined) return undefined
  if (owner.uid === process.geteuid?.()) return `uid ${owner.uid} owns it`
  return groupCounts && ourGroups().includes(owner.gid) ? `we are in its group, ${owner.gid}` : undefined
}

async function bypassesPermissions(): Promise<boolean> {
  if (process.platform !== 'linux') return process.geteuid?.() === 0
  const effective = /^CapEff:\s*(?<mask>[0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))
    ?.groups?.mask
  return (BigInt(`0x${effective ?? '0'}`) & DAC_OVERRIDE) !== 0n
}

/** Undefined where even looking is denied, or there is nothing: the attempt itself will say which. */
async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

function ourGroups(): number[] {
  return [...(process.getgroups?.() ?? []), process.getegid?.() ?? -1]
}
