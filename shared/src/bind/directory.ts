import { constants, type Stats } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { fileKind } from '../dial/dial-failure.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { type Ids, remappedBy, userNamespace } from '../inspect/user-namespace.ts'
import { shellCommand, shellWord } from '../text/shell-word.ts'

const STICKY = 0o1000
const OTHERS_WRITE = 0o002

/** Why there is no such directory, by the errno of stat(2). */
const WRONG_WAYS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ELOOP: 'is behind a loop of symbolic links',
  ENAMETOOLONG: 'is behind a symbolic link to a name that is too long',
}

/**
 * Refuses a directory in which a socket cannot be published, or not safely. Node reports a missing directory as EACCES,
 * so we check it before we bind.
 * @throws Failure `directory_missing`, `directory_unsafe` or `directory_denied`, naming mode, owner and the fix.
 */
export async function checkDirectory(directory: string): Promise<void> {
  const stats = await statDirectory(directory)
  if (stats.mode & OTHERS_WRITE && !(stats.mode & STICKY)) throw unsafe(directory, stats)
  try {
    await access(directory, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw errnoOf(cause) === 'EROFS' ? readOnly(directory, cause) : denied(directory, stats, cause)
  }
}

async function statDirectory(directory: string): Promise<Stats> {
  const stats = await stat(directory).catch((cause) => {
    throw unreachable(directory, cause)
  })
  if (stats.isDirectory()) return stats
  throw new Failure('directory_missing', {
    message: `${directory} is a ${fileKind(stats)}, not a directory`,
    hint: 'mount a volume there, never a single socket file',
    errno: 'ENOTDIR',
  })
}

function unreachable(directory: string, cause: unknown): Failure {
  const errno = errnoOf(cause)
  if (errno === 'EACCES') {
    return new Failure('directory_denied', {
      message: `the way to directory ${directory} is denied to ${whoWeAre()}`,
      hint: `give x on each directory above it; ${shellCommand('namei', '-l', directory)} shows them`,
      cause,
    })
  }
  const what = WRONG_WAYS[errno ?? '']
  return new Failure(what === undefined ? 'io_error' : 'directory_missing', {
    message: `directory ${directory} ${what ?? 'cannot be looked at'}`,
    hint:
      errno === 'ELOOP' || errno === 'ENAMETOOLONG'
        ? `correct the link; ${shellCommand('namei', '-l', directory)} shows it`
        : `mount the volume at ${directory}, or make the directory`,
    cause,
  })
}

function unsafe(directory: string, stats: Stats): Failure {
  return new Failure('directory_unsafe', {
    message: `anybody may replace files in ${describeDirectory(directory, stats)}`,
    hint: `take the right to write from others: mode=2750 in the volume's driver_opts, or ${shellCommand('chmod', 'o-w', directory)}`,
  })
}

function denied(directory: string, stats: Stats, cause: unknown): Failure {
  return new Failure('directory_denied', {
    message: `${describeDirectory(directory, stats)} may not be written to by ${whoWeAre()}`,
    hint: ownerHint(directory, process.geteuid?.() ?? 0, remappedBy(userNamespace())),
    cause,
  })
}

/**
 * How a directory is given to its server.
 * @param uid of the server
 * @param remapped by how much the engine moves ids, which it does not do in `uid=` of a volume
 */
export function ownerHint(directory: string, uid: number, remapped: Ids | undefined): string {
  const set = `set uid=${uid + (remapped?.uid ?? 0)},mode=2750 in the volume's driver_opts`
  if (remapped !== undefined) {
    const why = `this engine moves ids by ${remapped.uid} (userns-remap), but not those of volumes`
    return `${set}, and add ${remapped.gid} to its gid=: ${why}; or set userns_mode: host for this service`
  }
  const where = shellWord(directory)
  return `${set}, or chown ${uid} ${where} && chmod u+rwx ${where}`
}

function readOnly(directory: string, cause: unknown): Failure {
  return new Failure('directory_denied', {
    message: `directory ${directory} is on a read-only mount`,
    hint: 'a server needs its socket volume writable: take :ro (read_only: true) from this mount',
    cause,
  })
}

function describeDirectory(directory: string, { mode, uid, gid }: Stats): string {
  return `directory ${directory} (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}, owner ${uid}:${gid})`
}

function whoWeAre(): string {
  return `uid ${process.geteuid?.()} with groups ${process.getgroups?.().join(', ')}`
}
