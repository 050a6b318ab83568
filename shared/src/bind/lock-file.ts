import type { FileHandle } from 'node:fs/promises'
import { fileKind } from '../dial/dial-failure.ts'
import { Failure } from '../failure/failure.ts'
import { shellCommand } from '../text/shell-word.ts'

/** The lock cannot be taken at all. This is not for a lock that another process holds. */
export function lockUnavailable(path: string, what: string, hint: string, cause?: unknown): Failure {
  return new Failure('lock_unavailable', { message: `lock file ${path} ${what}`, hint, cause })
}

const PERMISSIONS = 0o777
const MODE = 0o600

/**
 * Refuses a lock file that another user could lock or remove, and one that has a second name: our record would be
 * written to that other file, too.
 * @throws Failure `lock_unavailable`
 */
export async function checkLockFile(path: string, file: FileHandle): Promise<void> {
  const stats = await file.stat()
  const { uid, nlink } = stats
  if (!stats.isFile())
    throw lockUnavailable(path, `is a ${fileKind(stats)}, not a regular file`, 'move away what stands there')
  if (uid !== process.geteuid?.()) throw foreign(path, uid)
  if (nlink > 1) throw lockUnavailable(path, `is one of ${nlink} names of its file`, 'move it away')
}

/** Makes it 0600, whatever the umask was when it was made: anybody who may open it may lock it. */
export async function keepPrivate(file: FileHandle): Promise<void> {
  const { mode } = await file.stat()
  if ((mode & PERMISSIONS) !== MODE) await file.chmod(MODE)
}

/** What to do about another user's lock file, which may be in use or left over. */
export function foreignLockHint(path: string): string {
  return `run as the user who owns the socket; if no such server runs any more, remove the lock file: ${shellCommand('sudo', 'rm', path)}`
}

function foreign(path: string, uid: number) {
  return lockUnavailable(
    path,
    `belongs to uid ${uid}, and we are uid ${process.geteuid?.()}`,
    foreignLockHint(path),
  )
}
