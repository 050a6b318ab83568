import type { Socket } from 'node:net'
import { errnoOf, Failure } from '../failure/failure.ts'
import { userNamespace } from '../inspect/user-namespace.ts'
import {
  AF_UNIX,
  type Libc,
  libc,
  SO_PEERCRED,
  SO_PEERGROUPS,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
} from './libc.ts'

/** Who called connect(2) on a Unix socket, as the kernel saw it then. */
export interface Peer {
  /**
   * A hint for a log, never a proof: the process may have ended, and its number may belong to another. Undefined where
   * it cannot be seen from our PID namespace.
   */
  readonly pid: number | undefined
  /** Effective user id. */
  readonly uid: number
  /** Effective group id. */
  readonly gid: number
  /** Supplementary groups; those that our user namespace does not map are left out. */
  readonly groups: readonly number[]
}

/** (uid_t) -1 means: no credentials. The kernel returns it for a socket without them, such as a TCP one. */
const NOBODY = 0xffff_ffff

const CREDENTIAL_WORDS = 3
const FIRST_GROUPS = 32
/** NGROUPS_MAX: no process can be in more. */
const MAX_GROUPS = 65_536

interface OverflowIds {
  readonly uid: number
  readonly gid: number
}

/** Set once for a process: they are a setting of the whole machine, and reading them for each connection is slow. */
let knownOverflowIds: OverflowIds | undefined

/**
 * Who is at the other end of a Unix socket. Call it in the `connection` handler, before any `await`: later the socket
 * may be destroyed.
 *
 * The kernel takes the credentials when the client connects (SO_PEERCRED and SO_PEERGROUPS of unix(7)) and never changes
 * them. So a client that hands its connected descriptor to another process, or changes its uid, still counts as whoever
 * connected: who receives a descriptor uses the giver's identity.
 *
 * Ids are those of our own user namespace. Where it does not map the client's id, the kernel shows the overflow id
 * (65534) for it, which stands for anybody. In a namespace that maps it, 65534 is also the user `nobody`; nothing tells
 * the two apart, so that user has no identity here.
 * @returns undefined if the peer is not known for certain: no Unix socket, a destroyed one, an id that is not mapped, a
 * failed call, or no libc (see {@link requirePeerCredentials})
 * @example
 * server.on('connection', (socket) => {
 *   const peer = peerOf(socket)
 *   if (peer?.uid !== 10_003) socket.destroy()
 * })
 */
export function peerOf(socket: Socket): Peer | undefined {
  const fd = descriptorOf(socket)
  const c = libc()
  if (fd === undefined || !c.available) return undefined
  try {
    return readPeer(c, fd)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

/**
 * For a start that needs to know its callers: tries with a pair of sockets whether the kernel tells.
 * @param what needs it, for the message
 * @throws Failure `peer_unknown`, saying why and what to do
 */
export function requirePeerCredentials(what: string): void {
  const c = libc()
  if (!c.available) throw peerUnknown(what, c.reason, c.hint)
  try {
    tryWithPair(c)
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause
    const hint =
      'use Linux 4.13 or later; see errno, and look at seccomp: getsockopt and socketpair are needed'
    throw peerUnknown(what, 'the kernel does not tell', hint, cause)
  }
}

function peerUnknown(what: string, reason: string, hint: string, cause?: unknown): Failure {
  return new Failure('peer_unknown', {
    message: `${what} needs to know which user calls, and that cannot be read from a socket here: ${reason}`,
    hint,
    cause,
  })
}

function tryWithPair(c: Libc): void {
  const pair = c.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
  try {
    readPeer(c, pair[0])
  } finally {
    for (const fd of pair) c.close(fd)
  }
}

function readPeer(c: Libc, fd: number): Peer | undefined {
  const credentials = new Uint32Array(CREDENTIAL_WORDS) // struct ucred: pid, uid, gid
  c.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials)
  const [pid = 0, uid = NOBODY, gid = NOBODY] = credentials
  const overflow = overflowIds()
  if (uid === NOBODY || uid === overflow.uid || gid === NOBODY || gid === overflow.gid) return undefined
  const groups = readGroups(c, fd).filter((group) => group !== NOBODY && group !== overflow.gid)
  return { pid: pid === 0 ? undefined : pid, uid, gid, groups }
}

function readGroups(c: Libc, fd: number): number[] {
  for (let size = FIRST_GROUPS; ; size = MAX_GROUPS) {
    const groups = new Uint32Array(size)
    try {
      const bytes = c.getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups)
      return [...groups.subarray(0, bytes / groups.BYTES_PER_ELEMENT)]
    } catch (error) {
      if (errnoOf(error) !== 'ERANGE' || size === MAX_GROUPS) throw error
    }
  }
}

/** Node keeps it in a field of its own; null or -1 once the socket is destroyed. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}

function overflowIds(): OverflowIds {
  knownOverflowIds ??= readOverflowIds()
  return knownOverflowIds
}

function readOverflowIds(): OverflowIds {
  const { uid, gid } = userNamespace()
  return { uid: uid.overflow, gid: gid.overflow }
}
