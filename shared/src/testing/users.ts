import assert from 'node:assert/strict'
import { chown } from 'node:fs/promises'
import type { ChildOptions } from './processes.ts'

/**
 * The user of a child to whom file permissions apply. Root ignores them: so if root runs the tests it is another user,
 * else the user who runs them.
 */
export const UNPRIVILEGED: { uid?: number; gid?: number } =
  process.geteuid?.() === 0 ? { uid: 10_001, gid: 10_001 } : {}

/** Makes that user the owner of `path`, if it is another user. */
export async function giveTo({ uid, gid }: { uid?: number; gid?: number }, path: string): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

export const OWNER = 10_001
export const STRANGER = 10_003
/** The group that may use the socket. */
export const GROUP = 10_100

/** Fails unless root runs the tests. Call it first in every file of `test-as-root`. */
export function requireRoot(): void {
  assert.equal(process.geteuid?.(), 0, 'these tests become other users: run them as root (npm run test:root)')
}

/** Options for a child of this user, with only these supplementary groups and no capabilities. */
export function asUser(uid: number, groups: readonly number[] = []) {
  return {
    wrapper: [
      ...['setpriv', `--reuid=${uid}`, `--regid=${uid}`, groupsOption(groups)],
      ...['--inh-caps=-all', '--bounding-set=-all'],
    ],
  } satisfies ChildOptions
}

/**
 * Options for a child in a user namespace of its own, as rootless podman makes one: it has all capabilities there, and
 * only its own uid and gid are mapped, both to 0.
 * @param outside its gid outside, and the supplementary groups that it keeps: they stay, but are not mapped
 */
export function inUserNamespace({ gid = 0, groups = [] }: { gid?: number; groups?: readonly number[] } = {}) {
  return {
    wrapper: ['setpriv', `--regid=${gid}`, groupsOption(groups), 'unshare', '--user', '--map-root-user'],
  } satisfies ChildOptions
}

function groupsOption(groups: readonly number[]): string {
  return groups.length === 0 ? '--clear-groups' : `--groups=${groups.join()}`
}
