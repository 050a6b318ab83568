/**
 * What the user namespace of this process hides (user_namespaces(7)). An id that the namespace does not map is shown as
 * the overflow id, usually 65534: that is no user and no group, and a capability does not count for such a file.
 */
import { readFileSync } from 'node:fs'

/** One line of `/proc/self/uid_map`: `length` ids from `inside` on are those from `outside` on in the parent namespace. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly length: number
}

export interface IdMap {
  /** Empty: no id is mapped. Null: not known, as without /proc; then every id is taken for mapped. */
  readonly ranges: readonly IdRange[] | null
  /** What the kernel shows instead of an id that is not mapped. */
  readonly overflow: number
}

export interface UserNamespace {
  readonly uid: IdMap
  readonly gid: IdMap
}

/** Owner and group of a file. */
export interface Ids {
  readonly uid: number
  readonly gid: number
}

export type IdKind = keyof Ids

const KINDS = ['uid', 'gid'] as const

/** What a new kernel has in `/proc/sys/kernel/overflowuid` and `overflowgid`. */
const DEFAULT_OVERFLOW = 65_534

/** A map of this length maps every id: 0 to 2^32 - 2. The initial namespace has it. */
const EVERY_ID = 4_294_967_295

/** The kernel allows 340 ranges in a map; a message shows the first of them. */
const SHOWN_RANGES = 4

/**
 * The user namespace of this process. Never throws, because it is used to explain failures.
 * @param read reads a file under /proc; may throw, as it does without /proc or without a free descriptor
 */
export function userNamespace(read = (path: string) => readFileSync(path, 'utf8')): UserNamespace {
  const mapOf = (kind: IdKind): IdMap => ({
    ranges: parsed(() => parseIdMap(read(`/proc/self/${kind}_map`))),
    overflow: parsed(() => parseId(read(`/proc/sys/kernel/overflow${kind}`))) ?? DEFAULT_OVERFLOW,
  })
  return { uid: mapOf('uid'), gid: mapOf('gid') }
}

/** Null if it cannot be read: the failure that is being explained may be the reason. */
function parsed<T>(parse: () => T | null): T | null {
  try {
    return parse()
  } catch {
    return null
  }
}

/** The ranges of a map as the kernel writes it, one a line; null if it has another format. */
export function parseIdMap(text: string): IdRange[] | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const ranges = lines.flatMap((line) => {
    const [, inside, outside, length] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line) ?? []
    if (inside === undefined) return []
    return [{ inside: Number(inside), outside: Number(outside), length: Number(length) }]
  })
  return ranges.length === lines.length ? ranges : null
}

function parseId(text: string): number | null {
  return /^\d+\s*$/.test(text) ? Number(text) : null
}

/**
 * Whether the kernel shows this id because it is not mapped. Where everything is mapped, as in the initial namespace, the
 * overflow id is a user or group like any other. In a map that holds it among others it may be either; it then counts as
 * not mapped, because few files belong to "nobody".
 */
export function isUnmapped(id: number, { ranges, overflow }: IdMap): boolean {
  return id === overflow && ranges !== null && !mapsEveryId(ranges)
}

function mapsEveryId(ranges: readonly IdRange[]): boolean {
  return ranges.reduce((sum, { length }) => sum + length, 0) >= EVERY_ID
}

/** Which ids of a file are not mapped. */
export function unmappedIds(file: Ids, namespace: UserNamespace): IdKind[] {
  return KINDS.filter((kind) => isUnmapped(file[kind], namespace[kind]))
}

/** `10001:65534 (gid not mapped here)` */
export function formatOwner(file: Ids, namespace: UserNamespace): string {
  const unmapped = unmappedIds(file, namespace)
  const note = unmapped.length === 0 ? '' : ` (${unmapped.join(' and ')} not mapped here)`
  return `${file.uid}:${file.gid}${note}`
}

/** `65534 (not mapped here)`: an id of this process, such as a supplementary group that podman kept. */
export function formatId(id: number, map: IdMap): string {
  return isUnmapped(id, map) ? `${id} (not mapped here)` : `${id}`
}

/**
 * The sentence about a file whose ids are not all mapped, with the mapping that is there; undefined if all are.
 * @param isCapable whether this process has CAP_DAC_OVERRIDE, which does not count for such a file
 */
export function explainUnmapped(file: Ids, namespace: UserNamespace, isCapable: boolean): string | undefined {
  const unmapped = unmappedIds(file, namespace)
  if (unmapped.length === 0) return undefined
  const are = unmapped.length === 1 ? 'is' : 'are'
  const maps = unmapped.map((kind) => `/proc/self/${kind}_map ${formatMap(namespace[kind])}`)
  const shown = [...new Set(unmapped.map((kind) => file[kind]))].join(' and ')
  const isMappedToo = unmapped.some((kind) => holdsOverflow(namespace[kind]))
  return [
    `its ${unmapped.join(' and ')} ${are} not mapped in this user namespace (${maps.join('; ')})`,
    `so ${shown} is shown instead`,
    ...(isMappedToo ? [`unless it really is ${shown}, which is mapped too`] : []),
    ...(isCapable ? ['and CAP_DAC_OVERRIDE does not count for it'] : []),
  ].join(', ')
}

function formatMap({ ranges }: IdMap): string {
  if (ranges === null || ranges.length === 0) return 'is empty'
  const shown = ranges.slice(0, SHOWN_RANGES).map((each) => `${each.inside} ${each.outside} ${each.length}`)
  const more = ranges.length - shown.length
  return `has ${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`
}

function holdsOverflow({ ranges, overflow }: IdMap): boolean {
  return (ranges ?? []).some(({ inside, length }) => inside <= overflow && overflow < inside + length)
}

/**
 * By how much a whole engine moved the ids of its containers (`userns-remap` of Docker): each map is one range from 0 on.
 * Undefined elsewhere; a rootless engine has two ranges. Such an engine mounts volumes outside, so `uid=` and `gid=` of a
 * tmpfs volume are ids outside.
 */
export function remappedBy({ uid, gid }: UserNamespace): Ids | undefined {
  const [ofUid, ofGid] = [offset(uid), offset(gid)]
  return ofUid === undefined || ofGid === undefined ? undefined : { uid: ofUid, gid: ofGid }
}

/** Fewer ids than this are no range of /etc/subuid: a single user mapped to 0, for example. */
const ENGINE_RANGE = 65_536

function offset({ ranges }: IdMap): number | undefined {
  const [range, ...others] = ranges ?? []
  if (range === undefined || others.length > 0) return undefined
  const { inside, outside, length } = range
  return inside === 0 && outside > 0 && length >= ENGINE_RANGE ? outside : undefined
}

/**
 * Leaves a process the groups of the user who starts the container, although they are not mapped: the kernel compares
 * groups as they are outside (podman-run(1)).
 */
export const KEEP_GROUPS = {
  command: 'podman run --group-add keep-groups',
  when: 'as a user who is in its group on the host',
} as const

/** The podman command that maps more ids of the host, each to itself (podman-run(1), from 4.7 on). */
export function mapCommand(ids: readonly IdKind[]): string {
  return ['podman run', ...ids.map((kind) => MAP_OPTIONS[kind])].join(' ')
}

const MAP_OPTIONS: Readonly<Record<IdKind, string>> = {
  uid: '--uidmap="+uUID:@UID"',
  gid: '--gidmap="+gGID:@GID"',
}
