import { readFileSync } from 'node:fs'
import { shellCommand } from '../text/shell-word.ts'
import type { FileFacts } from './file-facts.ts'
import {
  explainUnmapped,
  formatId,
  type IdKind,
  type Ids,
  isUnmapped,
  KEEP_GROUPS,
  mapCommand,
  remappedBy,
  type UserNamespace,
  unmappedIds,
  userNamespace,
} from './user-namespace.ts'

/** The user and groups as which the file system sees this process. */
export interface ProcessIdentity {
  readonly uid: number
  /** The effective group and the supplementary ones. */
  readonly gids: readonly number[]
  /**
   * Whether permission checks do not apply to files whose uid and gid are mapped: on Linux with CAP_DAC_OVERRIDE, which
   * root may lack; elsewhere, and where /proc cannot be read, for uid 0.
   */
  readonly bypassesPermissions: boolean
  /** Says which ids of files and of this process are only shown as the overflow id. */
  readonly userNamespace: UserNamespace
}

/** Bit 1 of the capability set (linux/capability.h). */
const CAP_DAC_OVERRIDE = 1n << 1n

/**
 * The identity of this process. Never throws, because it is used to explain failures.
 * @param status reads the text of `/proc/self/status`; may throw, as it does without /proc or without a free descriptor
 */
export function processIdentity(status = () => readFileSync('/proc/self/status', 'utf8')): ProcessIdentity {
  const uid = process.geteuid?.() ?? -1
  const gids = [...new Set([process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])])]
  const capable = process.platform === 'linux' ? hasDacOverride(status) : undefined
  return { uid, gids, bypassesPermissions: capable ?? uid === 0, userNamespace: userNamespace() }
}

/** `uid 10003 with groups 10003, 10200` */
export function formatIdentityOfProcess({ uid, gids, userNamespace }: ProcessIdentity): string {
  const groups = gids.map((gid) => formatId(gid, userNamespace.gid))
  return `uid ${formatId(uid, userNamespace.uid)} with ${gids.length === 1 ? 'group' : 'groups'} ${groups.join(', ')}`
}

function hasDacOverride(status: () => string): boolean | undefined {
  const mask = /^CapEff:\s*(?<mask>[0-9a-f]+)$/m.exec(textOf(status))?.groups?.mask
  return mask === undefined ? undefined : (BigInt(`0x${mask}`) & CAP_DAC_OVERRIDE) !== 0n
}

/** Empty if it cannot be read: the failure that is being explained may be the reason. */
function textOf(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

export type PermissionClass = 'owner' | 'group' | 'others'

/** The rights that connect(2) needs: write the socket, search each directory above it (unix(7), path_resolution(7)). */
export const NEEDED = { socket: 0o2, directory: 0o1 } as const

export type Right = (typeof NEEDED)[keyof typeof NEEDED]

const LETTERS: Readonly<Record<Right, string>> = { 1: 'x', 2: 'w' }

const SHIFT: Record<PermissionClass, number> = { owner: 6, group: 3, others: 0 }

/**
 * The class whose three bits of the mode decide for this process: the first that matches, and no other. An id that is
 * not mapped matches nothing, because all of them look the same.
 */
export function permissionClass({ uid, gid }: FileFacts, who: ProcessIdentity): PermissionClass {
  if (uid === who.uid && !isUnmapped(uid, who.userNamespace.uid)) return 'owner'
  return who.gids.includes(gid) && !isUnmapped(gid, who.userNamespace.gid) ? 'group' : 'others'
}

/** Whether the mode gives a class these rights (r 4, w 2, x 1). */
export function classMay({ mode }: FileFacts, of: PermissionClass, rights: number): boolean {
  return ((mode >> SHIFT[of]) & rights) === rights
}

/** Whether no permission check applies to this process on this file: capabilities(7) count only if both ids are mapped. */
export function bypassesMode(facts: FileFacts, who: ProcessIdentity): boolean {
  return who.bypassesPermissions && unmappedIds(facts, who.userNamespace).length === 0
}

/** Whether the mode gives this process these rights. Access control lists and security modules may still deny them. */
export function modePermits(facts: FileFacts, who: ProcessIdentity, rights: number): boolean {
  return bypassesMode(facts, who) || classMay(facts, permissionClass(facts, who), rights)
}

/** One way to give a process the rights that it lacks on a file. */
export type PermissionFix =
  /** The mode permits it already: an access control list or a security module denies it. */
  | { readonly fix: 'look_beyond_mode' }
  /**
   * A shell command that widens the mode, for the file's owner or its group. An owner that is not mapped cannot run it in
   * this user namespace, and neither can root.
   */
  | {
      readonly fix: 'widen'
      readonly for: 'owner' | 'group'
      readonly command: string
      readonly where: 'here' | 'outside'
    }
  /** A line of Compose that adds the file's group to a service. */
  | { readonly fix: 'join_group'; readonly gid: number; readonly compose: string }
  /** The file's group is not mapped, so no number joins it: keep the groups of the user who starts the container. */
  | { readonly fix: 'keep_groups'; readonly command: string; readonly when: string }
  /** These ids of the file are not mapped. Once they are, the other fixes apply to it, and capabilities count. */
  | { readonly fix: 'map_ids'; readonly ids: readonly IdKind[]; readonly command: string }
  /** The engine moved all ids by so much, and made the volume of the file with ids that are not moved. */
  | { readonly fix: 'move_volume'; readonly by: Ids }
  /** The mode is meant for the owner alone: run as that user. */
  | { readonly fix: 'be_owner'; readonly uid: number }

/** The sentence about ids of the file that this process sees only as the overflow id; undefined if there are none. */
export function explainUnmappedOwner(facts: FileFacts, who: ProcessIdentity): string | undefined {
  return explainUnmapped(facts, who.userNamespace, who.bypassesPermissions)
}

/**
 * What would let `who` use the file at `path`. A mode without rights for the group is often meant so: then the fixes
 * begin with running as the owner.
 * @param needed the right that is missing, one of {@link NEEDED}
 */
export function permissionFixes(
  path: string,
  facts: FileFacts,
  who: ProcessIdentity,
  needed: Right,
): PermissionFix[] {
  if (modePermits(facts, who, needed)) return [{ fix: 'look_beyond_mode' }]
  const unmapped = unmappedIds(facts, who.userNamespace)
  const widen = (group: 'owner' | 'group'): PermissionFix => ({
    fix: 'widen',
    for: group,
    command: shellCommand('chmod', `${group === 'owner' ? 'u' : 'g'}+${LETTERS[needed]}`, path),
    where: unmapped.includes('uid') ? 'outside' : 'here',
  })
  const ours = permissionClass(facts, who)
  if (ours === 'owner') return [widen('owner')]
  const { uid, gid } = facts
  const join: PermissionFix = unmapped.includes('gid')
    ? { fix: 'keep_groups', ...KEEP_GROUPS }
    : { fix: 'join_group', gid, compose: `group_add: ["${gid}"]` }
  const groupMay = classMay(facts, 'group', needed)
  // With the group's right and without a capability, the uid does not matter.
  const worthMapping = unmapped.filter((kind) => kind === 'gid' || who.bypassesPermissions || !groupMay)
  const by = remappedBy(who.userNamespace)
  const map: PermissionFix[] =
    worthMapping.length === 0
      ? []
      : [
          ...(by === undefined ? [] : [{ fix: 'move_volume', by } as const]),
          { fix: 'map_ids', ids: worthMapping, command: mapCommand(worthMapping) },
        ]
  if (groupMay) return [join, ...map]
  const isOwnerEnough = classMay(facts, 'owner', needed) && !unmapped.includes('uid')
  return [
    ...(isOwnerEnough ? [{ fix: 'be_owner', uid } as const] : []),
    widen('group'),
    ...(ours === 'group' ? [] : [join]),
    ...map,
  ]
}
