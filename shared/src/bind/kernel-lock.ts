import { constants } from 'node:fs'
import { type FileHandle, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../failure/failure.ts'
import { type Libc, LOCK_EX, LOCK_NB, libc } from '../kernel/libc.ts'
import { shellCommand } from '../text/shell-word.ts'
import { lockByCommand } from './flock-command.ts'
import { lstatIfAny } from './identity.ts'
import { checkLockFile, foreignLockHint, lockUnavailable } from './lock-file.ts'
import { type LockWait, retryLock } from './lock-wait.ts'

const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** macOS takes the lock in open(2) itself; Node has no constant for it. */
const DARWIN_O_EXLOCK = 0x20

/** Errors of the system that say nothing about the lock file itself. */
const OF_THE_VOLUME: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'])

/**
 * File systems on which flock(2) with LOCK_NB returns at once, whatever happens elsewhere (`f_type` of statfs(2)). On
 * others, such as NFS and FUSE, it may wait for a server, and with it our event loop.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
])

/**
 * Opens `path` (made with mode 0600) and takes an exclusive flock(2) on it, which the kernel drops when this process
 * ends, however it ends. The lock belongs to the open file, so it also holds between containers that share a volume.
 * Node opens with O_CLOEXEC, so no child keeps it.
 * @param local types of file system on which flock(2) cannot block
 * @returns undefined while another holds it
 * @throws Failure `lock_unavailable`; the system's own error where the volume takes no new file
 */
export async function openLocked(
  path: string,
  wait: LockWait,
  local = LOCAL_FILE_SYSTEMS,
): Promise<FileHandle | undefined> {
  const darwin = process.platform === 'darwin'
  const file = await (darwin ? openWithLock(path, wait) : openFile(path, OPEN_FLAGS))
  if (file === undefined) return undefined
  try {
    await checkLockFile(path, file)
    if (darwin || (await lock(path, file.fd, wait, local))) return file
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

async function openFile(path: string, flags: number): Promise<FileHandle> {
  return open(path, flags, 0o600).catch(async (cause) => {
    if (OF_THE_VOLUME.has(errnoOf(cause) ?? '')) throw cause
    const owner = (await lstatIfAny(path))?.uid
    const foreign = owner !== undefined && Number(owner) !== process.geteuid?.()
    throw foreign
      ? lockUnavailable(path, `cannot be opened: it belongs to uid ${owner}`, foreignLockHint(path), cause)
      : lockUnavailable(
          path,
          'cannot be opened',
          `only the server that owns the socket may own its lock file; ${shellCommand('ls', '-l', path)} shows what stands there`,
          cause,
        )
  })
}

/**
 * Calls flock(2) where that cannot block us, and else lets flock(1) do it, which takes 2 to 25 ms more. Both take the
 * same lock, so servers that lock in different ways exclude each other.
 */
async function lock(path: string, fd: number, wait: LockWait, local: ReadonlySet<number>): Promise<boolean> {
  const c = libc()
  if (!c.available) return await lockByCommand(path, fd, wait, c.reason)
  const type = await fileSystemType(path)
  if (!local.has(type)) return await lockByCommand(path, fd, wait, mayBlock(type))
  return (await retryLock(path, wait, async () => tryLock(c, path, fd) || undefined)) ?? false
}

/** 0, which is none, if the directory is gone by now. */
async function fileSystemType(path: string): Promise<number> {
  try {
    return (await statfs(dirname(path))).type
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return 0
  }
}

function mayBlock(type: number): string {
  return `flock(2) may block on this file system (type 0x${type.toString(16)}), while tmpfs and local disks need no flock(1)`
}

/** @returns false while another holds the lock */
function tryLock(c: Libc, path: string, fd: number): boolean {
  try {
    c.flock(fd, LOCK_EX | LOCK_NB)
    return true
  } catch (cause) {
    if (errnoOf(cause) === 'EAGAIN') return false
    const hint = 'see errno, and flock(2); use a file system that has it, such as tmpfs or a local disk'
    throw lockUnavailable(path, 'cannot be locked', hint, cause)
  }
}

async function openWithLock(path: string, wait: LockWait): Promise<FileHandle | undefined> {
  return await retryLock(path, wait, async () => {
    try {
      return await open(path, OPEN_FLAGS | DARWIN_O_EXLOCK, 0o600)
    } catch (cause) {
      if (errnoOf(cause) === 'EAGAIN') return undefined
      throw lockUnavailable(path, 'cannot be locked', 'see errno, and open(2)', cause)
    }
  })
}
