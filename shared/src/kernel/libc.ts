import { getSystemErrorMap } from 'node:util'

/*
 * The one file that knows libc. It calls functions of the C library through node:ffi, which Node has since 26.1 and
 * switches on by default since 26.10 (docs/adr/0009-libc-is-called-through-node-ffi.md). Sizes and numbers below are
 * those of Linux on x86-64 and arm64, which agree; other processors have others. Tried on x86-64 with glibc. arm64, and
 * musl, which has the same functions under the same names, are not tried.
 */

/** flock(2) */
export const LOCK_EX = 2
export const LOCK_NB = 4

/** socket(2), socket(7), unix(7), send(2) */
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_CLOEXEC = 0o2000000
export const SOL_SOCKET = 1
export const SO_TYPE = 3
export const SO_PEERCRED = 17
export const SO_ACCEPTCONN = 30
export const SO_DOMAIN = 39
export const SO_PEERGROUPS = 59
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000

/**
 * Functions of libc, each as its manual page says, except that a failure is thrown: a {@link SystemError} with the
 * function's errno. They block the thread as long as the kernel does, so pass LOCK_NB or MSG_DONTWAIT where it may wait.
 */
export interface Libc {
  readonly available: true
  flock(fd: number, operation: number): void
  /** @returns the descriptor */
  socket(domain: number, type: number, protocol: number): number
  /** @returns both descriptors */
  socketpair(domain: number, type: number, protocol: number): readonly [number, number]
  /** Writes the option to `value`. @returns how many bytes it has */
  getsockopt(fd: number, level: number, option: number, value: NodeJS.ArrayBufferView): number
  /** Writes the address (`struct sockaddr`) to `address`. @returns how many bytes it has, also if `address` has fewer */
  getsockname(fd: number, address: NodeJS.ArrayBufferView): number
  /** @returns how many bytes were sent */
  sendto(fd: number, data: Uint8Array, flags: number, address: Uint8Array): number
  close(fd: number): void
}

/** Why libc cannot be called here, and what to do about it. */
export interface NoLibc {
  readonly available: false
  readonly reason: string
  readonly hint: string
}

type Ffi = typeof import('node:ffi')

const SYMBOLS = {
  __errno_location: { arguments: [], return: 'pointer' },
  flock: { arguments: ['i32', 'i32'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  socketpair: { arguments: ['i32', 'i32', 'i32', 'buffer'], return: 'i32' },
  getsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' },
  getsockname: { arguments: ['i32', 'buffer', 'buffer'], return: 'i32' },
  sendto: { arguments: ['i32', 'buffer', 'u64', 'i32', 'buffer', 'u32'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
} as const

const ARCHITECTURES: readonly string[] = ['x64', 'arm64']

/** Of this thread, set once: what it says does not change while a process lives, and loading takes 2 to 3 ms. */
let loaded: Libc | NoLibc | undefined

/**
 * The C library of this process. The first call of a thread loads node:ffi; nothing is loaded before.
 * @example
 * const c = libc()
 * if (c.available) c.flock(fd, LOCK_EX | LOCK_NB)
 * else log.info(`no libc: ${c.reason}`)
 */
export function libc(): Libc | NoLibc {
  loaded ??= load()
  return loaded
}

function load(): Libc | NoLibc {
  const { platform, arch } = process
  if (platform !== 'linux' || !ARCHITECTURES.includes(arch))
    return unavailable(`this is ${platform} on ${arch}`, 'run it on Linux, on x86-64 or arm64')
  try {
    const ffi = loadFfi()
    if (ffi !== undefined) return bind(ffi)
    const reason = `Node ${process.version} has no node:ffi, or was started with --no-experimental-ffi`
    return unavailable(reason, 'use Node 26.10 or later, without --no-experimental-ffi')
  } catch (error) {
    if (isCoded(error) && error.code === 'ERR_ACCESS_DENIED')
      return unavailable('the permission model of Node denies node:ffi', 'start Node with --allow-ffi')
    return unavailable(`node:ffi does not work here: ${String(error)}`, 'use the Node that the images have')
  }
}

function unavailable(reason: string, hint: string): NoLibc {
  return { available: false, reason, hint }
}

/**
 * Undefined where this Node has none. Node warns when it is loaded, once, that it is experimental: users can do nothing
 * about that, so this one warning is left out, and no other.
 */
function loadFfi(): Ffi | undefined {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (rest[0] === 'ExperimentalWarning' && String(warning).startsWith('FFI ')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return process.getBuiltinModule('node:ffi')
  } finally {
    process.emitWarning = emitWarning
  }
}

function bind(ffi: Ffi): Libc {
  const c = ffi.dlopen(null, SYMBOLS).functions // null: what this process has loaded already
  const errno = c.__errno_location() // its place, one for each thread
  /** Reads errno before anything else is called: any file system call of Node may overwrite it. */
  const orThrow = (result: number | bigint, syscall: string): number => {
    if (result < 0) throw new SystemError(ffi.getInt32(errno, 0), syscall)
    return Number(result)
  }
  return {
    available: true,
    flock: (fd, operation) => void orThrow(c.flock(fd, operation), 'flock'),
    socket: (domain, type, protocol) => orThrow(c.socket(domain, type, protocol), 'socket'),
    socketpair: (domain, type, protocol) => {
      const pair = new Int32Array(2)
      orThrow(c.socketpair(domain, type, protocol, pair), 'socketpair')
      const [one = -1, other = -1] = pair
      return [one, other]
    },
    getsockopt: (fd, level, option, value) => {
      const length = new Uint32Array([value.byteLength])
      orThrow(c.getsockopt(fd, level, option, value, length), 'getsockopt')
      return length[0] ?? 0
    },
    getsockname: (fd, address) => {
      const length = new Uint32Array([address.byteLength])
      orThrow(c.getsockname(fd, address, length), 'getsockname')
      return length[0] ?? 0
    },
    sendto: (fd, data, flags, address) =>
      orThrow(c.sendto(fd, data, BigInt(data.byteLength), flags, address, address.byteLength), 'sendto'),
    close: (fd) => void orThrow(c.close(fd), 'close'),
  }
}

/** A failed call, with the fields that Node's own system errors have. */
export class SystemError extends Error {
  override readonly name = 'SystemError'
  /** Negative, as everywhere in Node. */
  readonly errno: number
  /** Such as `EBADF`. */
  readonly code: string
  readonly syscall: string

  constructor(errno: number, syscall: string) {
    const [code, text] = getSystemErrorMap().get(-errno) ?? ['EUNKNOWN', `error ${errno}`]
    super(`${code}: ${text}, ${syscall}`)
    this.errno = -errno
    this.code = code
    this.syscall = syscall
  }
}

function isCoded(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && 'code' in error
}
