import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { type Explanation, type Explanations, errnoOrUnknown, explained, HINTS } from '../failure/explain.ts'
import { errnoOf, type Failure } from '../failure/failure.ts'

const NO_SUCH_HOST: Explanation = [
  'bad_endpoint',
  'the host name does not resolve',
  'use an address of this machine',
]

const ADDRESS: Explanations = {
  EADDRINUSE: ['in_use', 'another server owns it', 'stop it first, or choose another endpoint'],
  EADDRNOTAVAIL: [
    'bad_endpoint',
    'this machine has no such address',
    'use 0.0.0.0, or an address of this machine',
  ],
  ENOTFOUND: NO_SUCH_HOST,
  EAI_AGAIN: NO_SUCH_HOST,
  EACCES: ['address_denied', 'the system denies it', 'use a port from 1024 up'],
  EPERM: ['address_denied', 'the system denies it', HINTS.securityPolicy],
  EAFNOSUPPORT: [
    'address_denied',
    'this process may make no socket of its address family',
    HINTS.allowFamily,
  ],
  EBADF: ['bad_option', 'the descriptor is not open', 'pass the descriptor that systemd gave (LISTEN_FDS)'],
  EINVAL: [
    'bad_option',
    'the descriptor is not a listening stream socket',
    'pass the descriptor that systemd gave (LISTEN_FDS)',
  ],
}

const FILE: Explanations = {
  EACCES: [
    'directory_denied',
    'the system denies it',
    'check the permissions of the directory, AppArmor and SELinux',
  ],
  EPERM: ['directory_denied', 'the system denies it', HINTS.securityPolicy],
  EROFS: ['directory_denied', 'the mount is read-only', 'take :ro (read_only: true) from this mount'],
  EDQUOT: ['io_error', 'the quota is used up', 'raise it, or remove files'],
  EBUSY: ['io_error', 'a mount stands at its path', HINTS.mountDirectory],
  EXDEV: ['io_error', 'its path and its directory are on different mounts', HINTS.mountDirectory],
  EMFILE: [
    'io_error',
    'this process has too many open files',
    'raise its limit (ulimit -n, ulimits: nofile in Compose)',
  ],
  ENFILE: [
    'io_error',
    'the system has too many open files',
    'raise fs.file-max, or end the processes that hold them',
  ],
  EIO: ['io_error', 'the device of the volume fails', 'see dmesg; use a tmpfs or another local disk'],
}

/**
 * Explains why listening failed. Reads the state of the volume where errno alone is ambiguous.
 * @param cause what the system reported, an error with an errno as its `code`
 * @returns a Failure with one of the codes of `listen`; `io_error` for an errno that is not known
 */
export async function listenFailure(endpoint: Endpoint, cause: unknown): Promise<Failure> {
  const call = { verb: 'listen on', page: 'bind(2)', endpoint, cause } as const
  const errno = errnoOrUnknown(cause)
  if (endpoint.kind !== 'unix') return explained(call, ADDRESS[errno])
  return explained(
    call,
    errno === 'ENOSPC' ? await fullVolume(endpoint.path) : (FILE[errno] ?? ADDRESS[errno]),
  )
}

/** A start makes at most three files: the lock, a staging directory and the socket. */
const INODES_OF_A_START = 3

/** A volume with so few bytes left is full: tmpfs and disks give space by the page or the block. */
const NO_SPACE_BYTES = 16 * 1024

/**
 * A volume can run out of bytes or of inodes, and ENOSPC does not tell which. The volume is read after the failed start
 * has removed its files.
 */
async function fullVolume(path: string): Promise<Explanation> {
  const { files, ffree, bavail, bsize } = await statfs(dirname(path)).catch(unknownVolume)
  const inodes = files > 0 && ffree <= INODES_OF_A_START
  const bytes = !inodes || bavail * bsize <= NO_SPACE_BYTES
  const raise = [...(inodes ? ['nr_inodes='] : []), ...(bytes ? ['size='] : [])].join(' and ')
  const what = inodes ? `the volume has ${ffree} of ${files} inodes left` : 'the volume is full'
  return ['io_error', what, `raise ${raise} in the volume's driver_opts, or remove files`]
}

function unknownVolume(error: unknown) {
  if (errnoOf(error) === undefined) throw error
  return { files: 0, ffree: 0, bavail: 0, bsize: 0 }
}
