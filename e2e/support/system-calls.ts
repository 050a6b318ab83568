import type { Insider } from './inside.ts'

/** The numbers of system calls; those above 423 are the same on every processor. */
export const CALLS = {
  x64: {
    socket: 41,
    socketpair: 53,
    ptrace: 101,
    process_vm_readv: 310,
    process_vm_writev: 311,
    kcmp: 312,
    io_uring_setup: 425,
    io_uring_enter: 426,
    io_uring_register: 427,
    pidfd_open: 434,
    pidfd_getfd: 438,
    process_madvise: 440,
  },
  arm64: {
    socket: 198,
    socketpair: 199,
    ptrace: 117,
    process_vm_readv: 270,
    process_vm_writev: 271,
    kcmp: 272,
    io_uring_setup: 425,
    io_uring_enter: 426,
    io_uring_register: 427,
    pidfd_open: 434,
    pidfd_getfd: 438,
    process_madvise: 440,
  },
} as const

export type CallName = keyof typeof CALLS.x64

/** `buffer` stands for the address of 256 zero bytes, `self` for the id of the process. */
export type CallArgument = number | 'buffer' | 'self'

/** A call with its arguments. */
export type Call = readonly [name: CallName, ...args: CallArgument[]]

/**
 * Makes system calls, one after the other in one process of a container, whatever libc would make of them.
 * @returns of each `made`, or its errno such as `EPERM`
 */
export function callsFrom(container: Insider, ...calls: Call[]): Promise<string[]> {
  return container.inside(
    async (calls, numbers) => {
      const ffi = await import('node:ffi')
      const { getSystemErrorMap } = await import('node:util')
      const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
      const { syscall, __errno_location } = ffi.dlopen(null, {
        syscall: { arguments: ['i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'], return: 'i64' },
        __errno_location: { arguments: [], return: 'pointer' },
      }).functions
      const errno = __errno_location()
      const buffer = Buffer.alloc(256)
      const value = (argument: CallArgument) =>
        argument === 'buffer'
          ? ffi.getRawPointer(buffer)
          : BigInt(argument === 'self' ? process.pid : argument)
      return calls.map(([name, one = 0, two = 0, three = 0, four = 0, five = 0, six = 0]) => {
        const result = syscall(
          BigInt(numbers[arch][name]),
          value(one),
          value(two),
          value(three),
          value(four),
          value(five),
          value(six),
        )
        const error = ffi.getInt32(errno, 0)
        return result >= 0n ? 'made' : (getSystemErrorMap().get(-error)?.[0] ?? `errno ${error}`)
      })
    },
    calls,
    CALLS,
  )
}

/** What a program of machine code ended with: a signal, or its exit code. */
export interface ForeignEnd {
  readonly signal: string | null
  readonly code: number | null
}

/** x86-64: exit(0) if the result of the last call is not negative, else exit(its errno). */
const EXIT_WITH_RESULT = '31ff 85c0 7904 89c7 f7df b83c000000 0f05'

/**
 * socket(AF_INET, SOCK_STREAM, 0), in the 32-bit forms that an x86-64 kernel also takes. The arguments of socketcall(2)
 * are in memory: here on the stack, moved below 4 GiB.
 */
export const FOREIGN = {
  i386: `b867010000 bb02000000 b901000000 31d2 cd80 ${EXIT_WITH_RESULT}`,
  'i386, by socketcall': `bc00104000 83ec0c c7042402000000 c744240401000000 c744240800000000 b866000000 bb01000000 89e1 cd80 ${EXIT_WITH_RESULT}`,
  x32: `b829000040 bf02000000 be01000000 31d2 0f05 ${EXIT_WITH_RESULT}`,
} as const

/** Runs machine code for x86-64, as a program that is in memory alone, in a container. */
export function runMachineCode(container: Insider, code: string): Promise<ForeignEnd> {
  return container.inside(async (hex) => {
    const { spawnSync } = await import('node:child_process')
    const { closeSync, openSync, writeSync } = await import('node:fs')
    const ffi = await import('node:ffi')
    const c = ffi.dlopen(null, { memfd_create: { arguments: ['string', 'u32'], return: 'i32' } }).functions
    const machineCode = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    // An ELF header and one segment, readable, writable and executable, that has the whole file.
    const header = Buffer.alloc(120)
    const size = header.length + machineCode.length
    header.write('7f454c46020101', 0, 'hex')
    header.writeUInt16LE(2, 16) // ET_EXEC
    header.writeUInt16LE(62, 18) // EM_X86_64
    header.writeUInt32LE(1, 20)
    header.writeUInt32LE(0x400078, 24) // where it starts: after the header
    header.writeUInt32LE(64, 32) // where the segments are described
    header.writeUInt16LE(64, 52)
    header.writeUInt16LE(56, 54)
    header.writeUInt16LE(1, 56)
    header.writeUInt32LE(1, 64) // PT_LOAD
    header.writeUInt32LE(7, 68)
    header.writeUInt32LE(0x400000, 80)
    header.writeUInt32LE(0x400000, 88)
    header.writeUInt32LE(size, 96)
    header.writeUInt32LE(0x2000, 104) // in memory it has room for a stack
    header.writeUInt32LE(0x1000, 112)
    const written = c.memfd_create('program', 0)
    writeSync(written, Buffer.concat([header, machineCode]))
    const program = openSync(`/proc/self/fd/${written}`, 'r')
    closeSync(written) // the kernel executes nothing that may be written to
    const { signal, status, error } = spawnSync(`/proc/${process.pid}/fd/${program}`)
    if (error !== undefined) throw error
    return { signal, code: status }
  }, code)
}
