import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'

/** Docker's default profile, unchanged: seccomp/default.json of github.com/moby/profiles, tag seccomp/v0.2.3. */
export const ENGINE_DEFAULT = join(import.meta.dirname, 'engine-default.json')
/** Generated from it: `node deploy/seccomp/unix-only.ts`. */
export const UNIX_ONLY = join(import.meta.dirname, 'unix-only.json')

const AF_UNIX = 1
const EAFNOSUPPORT = 97

/** What the default calls the processors of this profile. */
const PROCESSORS = ['amd64', 'arm64']
/**
 * No sub-architectures: calls of i386, x32 and 32-bit ARM would bypass the rules. socketcall(2), for one, has its
 * arguments in memory, where no filter can read them. libseccomp ends a process that makes a call of another
 * architecture with SIGSYS.
 */
const ARCHITECTURES = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64']

/** Their first argument is the address family. */
const MAKE_SOCKETS = ['socket', 'socketpair']

/** Removed, whatever the default says of them. */
const DENIED = new Set([
  // Sockets without socket(2): IORING_OP_SOCKET.
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  'socketcall',
  // Takes a descriptor of another process, such as a TCP socket of the sidecar.
  'pidfd_getfd',
  // Read, change or control another process, which then makes the socket.
  'ptrace',
  'process_vm_readv',
  'process_vm_writev',
  'process_madvise',
  'kcmp',
])

const argument = v.strictObject({
  index: v.number(),
  value: v.number(),
  valueTwo: v.optional(v.number()),
  op: v.string(),
})
const condition = v.strictObject({
  caps: v.optional(v.array(v.string())),
  arches: v.optional(v.array(v.string())),
  minKernel: v.optional(v.string()),
})
const engineRule = v.strictObject({
  names: v.array(v.string()),
  action: v.picklist(['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO']),
  errnoRet: v.optional(v.number()),
  args: v.optional(v.array(argument)),
  comment: v.optional(v.string()),
  includes: v.optional(condition),
  excludes: v.optional(condition),
})
/** Strict: a field of a later version, which may be a condition, is an error and not ignored. */
const engineProfile = v.strictObject({
  defaultAction: v.literal('SCMP_ACT_ERRNO'),
  defaultErrnoRet: v.number(),
  archMap: v.array(v.unknown()),
  syscalls: v.array(engineRule),
})

type EngineRule = v.InferOutput<typeof engineRule>
export type Rule = Pick<EngineRule, 'names' | 'action' | 'errnoRet' | 'args'>

/** The form of the OCI runtime specification, without Docker's conditions: Docker, podman, containerd and CRI-O read it. */
export interface Profile {
  readonly defaultAction: string
  readonly defaultErrnoRet: number
  readonly architectures: readonly string[]
  readonly syscalls: readonly Rule[]
}

/**
 * The engine's default for a container without capabilities, on x86-64 and arm64, but it makes no socket other than
 * AF_UNIX. Calls that only one of the two processors has are in it: the runtime leaves out those that it does not know.
 * @param text a default profile of Docker
 * @throws Error when the profile has a field or a condition that this function does not know
 */
export function unixOnly(text: string): Profile {
  const { defaultAction, defaultErrnoRet, syscalls } = v.parse(engineProfile, JSON.parse(text))
  const kept = syscalls
    .filter(applies)
    .map((rule) => ({ ...rule, names: rule.names.filter((name) => !isReplaced(name)).sort() }))
    .filter(({ names }) => names.length > 0)
    .map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args === undefined ? {} : { args }),
    }))
  const family = (op: string) => [{ index: 0, value: AF_UNIX, op }]
  return {
    defaultAction,
    defaultErrnoRet,
    architectures: ARCHITECTURES,
    syscalls: [
      ...kept,
      { names: MAKE_SOCKETS, action: 'SCMP_ACT_ALLOW', args: family('SCMP_CMP_EQ') },
      // What a kernel without the family says: programs know it.
      { names: MAKE_SOCKETS, action: 'SCMP_ACT_ERRNO', errnoRet: EAFNOSUPPORT, args: family('SCMP_CMP_NE') },
    ],
  }
}

function isReplaced(name: string): boolean {
  return DENIED.has(name) || MAKE_SOCKETS.includes(name)
}

function applies({ names, includes = {}, excludes = {} }: EngineRule): boolean {
  if (includes.caps !== undefined) return false // our containers have no capability
  if (includes.minKernel !== undefined || excludes.minKernel !== undefined) {
    if (names.every(isReplaced)) return false
    throw new Error(
      `engine-default.json: ${names} depends on the kernel's version, which this profile cannot say`,
    )
  }
  if (excludes.arches?.some((processor) => PROCESSORS.includes(processor)))
    throw new Error(
      `engine-default.json: ${names} excludes one of ${PROCESSORS}: write a profile for each instead`,
    )
  return includes.arches === undefined || includes.arches.some((processor) => PROCESSORS.includes(processor))
}

export function formatted(profile: Profile): string {
  return `${JSON.stringify(profile, null, 2)}\n`
}

if (import.meta.main) writeFileSync(UNIX_ONLY, formatted(unixOnly(readFileSync(ENGINE_DEFAULT, 'utf8'))))
