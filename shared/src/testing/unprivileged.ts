import { chown } from 'node:fs/promises'

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
