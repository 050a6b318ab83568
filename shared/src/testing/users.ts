import assert from 'node:assert/strict'
import { chown } from 'node:fs/promises'
import type { ChildOptions } from './processes.ts'

/**
 * Identity of a child that file permissions hold for: root passes them all, so under root it is another user; else it
 * is the user who runs the tests.
 */
export const UNPRIVILEGED: { uid?: number; gid?: number } =
  process.geteuid?.() === 0 ? { uid: 10_001, gid: 10_001 } : {}

/** Makes `path` theirs, where they are not who we are. */
export async function giveTo({ uid, gid }: { uid?: number; gid?: number }, path: string): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

export const OWNER = 10_001
export const STRANGER = 10_003
/** The group that may use the socket. */
export const GROUP = 10_100

/** Fails for anybody but root; call it first in every file. */
export function requireRoot(): void {
  assert.equal(process.geteuid?.(), 0, 'these tests become other users: run them as root (npm run test:root)')
}

/** Runs a child as this user, in these supplementary groups alone. */
export function asUser(uid: number, groups: readonly number[] = []): ChildOptions {
  const list = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join()}`
  return {
    wrapper: ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, list, '--inh-caps=-all', '--bounding-set=-all'],
  }
}
