import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import type { FailureCode } from '../failure/failures.ts'

type Explanation = readonly [code: FailureCode, what: string, hint: string]

const NO_SUCH_HOST = [
  'bad_endpoint',
  'the host name does not resolve',
  'use an address of this machine',
] as const

const ADDRESS: Record<string, Explanation> = {
  EADDRINUSE: ['in_use', 'another server owns it', 'stop it first, or choose another endpoint'],
  EADDRNOTAVAIL: [
    'bad_endpoint',
    'this machine has no such address',
    'use 0.0.0.0, or an address of this machine',
  ],
  ENOTFOUND: NO_SUCH_HOST,
  EAI_AGAIN: NO_SUCH_HOST,
  EACCES: ['address_denied', 'the system denies it', 'use a port from 1024 up'],
  EPERM: ['address_denied', 'the system denies it', 'look at seccomp and security policy'],
  EBADF: [
    'bad_option',
    'the descriptor is not open',
    'pass on the descriptor that systemd gave (LISTEN_FDS)',
  ],
  EINVAL: [
    'bad_option',
    'the descriptor is no listening stream socket',
    'pass on the descriptor that systemd gave',
  ],
}

const MOUNT_THE_DIRECTORY =
  'mount the directory of the socket, never the single socket file: what is mounted there cannot be replaced'

const FILE: Record<string, Explanation> = {
  EACCES: [
    'directory_denied',
    'the system denies it',
    'look at the rights of the directory, and at AppArmor or SELinux',
  ],
  EPERM: ['directory_denied', 'the system denies it', 'look at seccomp, AppArmor or SELinux'],
  EROFS: ['directory_denied', 'the mount is read-only', 'take :ro (read_only: true) from this mount'],
  EDQUOT: ['io_error', 'the quota is used up', 'raise it, or remove files'],
  EBUSY: ['io_error', 'a mount stands at its path', MOUNT_THE_DIRECTORY],
  EXDEV: ['io_error', 'its path and its directory are on different mounts', MOUNT_THE_DIRECTORY],
  EMFILE: [
    'io_error',
    'this process has too many open files',
    'raise its limit (ulimit -n, ulimits: nofile in Compose)',
  ],
  ENFILE: ['io_error', 'the system has too many open files', 'raise fs.file-max, or end what holds them'],
  EIO: ['io_error', 'the device of the volume fails', 'look at dmesg; use a tmpfs or a sound local disk'],
}

/** A start makes at most three files: the lock, a staging directory and the socket. */
const INODES_OF_A_START = 3

/** Bytes that are next to nothing on any volume: tmpfs and disks give space by the page or the block. */
const NO_SPACE_BYTES = 16 * 1024

function unknownVolume(error: unknown) {
  if (errnoOf(error) === undefined) throw error
  return { files: 0, ffree: 0, bavail: 0, bsize: 0 }
}

/**
 * A volume can run out of bytes and of inodes, and errno does not tell which. It is looked at afterwards, when what the
 * start had made is gone again.
 */
async function fullVolume(path: string): Promise<Explanation> {
  const { files, ffree, bavail, bsize } = await statfs(dirname(path)).catch(unknownVolume)
  const inodes = files > 0 && ffree <= INODES_OF_A_START
  const bytes = !inodes || bavail * bsize <= NO_SPACE_BYTES
  const raise = [...(inodes ? ['nr_inodes='] : []), ...(bytes ? ['size='] : [])].join(' and ')
  const what = inodes ? `the volume has ${ffree} of ${files} inodes left` : 'the volume is full'
  return ['io_error', what, `raise ${raise} in the volume's driver_opts, or remove files`]
}

/** Turns what listening reported into the closed set of codes; looks at the volume where errno alone is ambiguous. */
export async function listenFailure(endpoint: Endpoint, cause: unknown): Promise<Failure> {
  const errno = errnoOf(cause) ?? 'EUNKNOWN'
  const table = endpoint.kind === 'unix' ? { ...ADDRESS, ...FILE } : ADDRESS
  const [code, what, hint] =
    endpoint.kind === 'unix' && errno === 'ENOSPC'
      ? await fullVolume(endpoint.path)
      : (table[errno] ?? ['io_error', 'the system refused', 'see errno, and bind(2)'])
  return new Failure(code, {
    message: `cannot listen on ${formatEndpoint(endpoint)}: ${what}`,
    hint,
    errno,
    cause,
  })
}
