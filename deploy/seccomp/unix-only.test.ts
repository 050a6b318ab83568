import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ENGINE_DEFAULT, formatted, type Profile, type Rule, UNIX_ONLY, unixOnly } from './unix-only.ts'

const DEFAULT_TEXT = readFileSync(ENGINE_DEFAULT, 'utf8')
const FILE = readFileSync(UNIX_ONLY, 'utf8')
const PROFILE: Profile = JSON.parse(FILE)

const ALLOWED = 0
const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97
/** Above 32 bits: the kernel takes the family from the lower half alone, a filter compares all 64. */
const HIGH = 0x1_0000_0000

type Argument = NonNullable<Rule['args']>[number]

function matches({ value, valueTwo = 0, op }: Argument, given: bigint): boolean {
  if (op === 'SCMP_CMP_EQ') return given === BigInt(value)
  if (op === 'SCMP_CMP_NE') return given !== BigInt(value)
  if (op === 'SCMP_CMP_MASKED_EQ') return (given & BigInt(value)) === BigInt(valueTwo)
  throw new Error(`unknown comparison ${op}`)
}

/** As libseccomp decides: a rule with arguments applies if all match. @returns the errno, or 0 */
function errnoOf(call: string, ...given: number[]): number {
  const rule = PROFILE.syscalls.find(
    ({ names, args = [] }) =>
      names.includes(call) && args.every((argument) => matches(argument, BigInt(given[argument.index] ?? 0))),
  )
  if (rule === undefined) return PROFILE.defaultErrnoRet
  return rule.action === 'SCMP_ACT_ALLOW' ? ALLOWED : (rule.errnoRet ?? EPERM)
}

/** The engine's profile with one more rule. */
function withRule(rule: object): string {
  const profile = JSON.parse(DEFAULT_TEXT)
  return JSON.stringify({ ...profile, syscalls: [...profile.syscalls, rule] })
}

describe('unix-only.json', () => {
  it('is what unix-only.ts makes of the default of the engine', () => {
    assert.equal(FILE, formatted(unixOnly(DEFAULT_TEXT)), 'run: node deploy/seccomp/unix-only.ts')
  })

  it('is for x86-64 and arm64, without the 32-bit calls that these processors also have', () => {
    assert.deepEqual(PROFILE.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'])
  })

  it('has nothing but what the OCI runtime specification knows', () => {
    const keys = PROFILE.syscalls.flatMap((rule) => Object.keys(rule))
    assert.deepEqual([...new Set(keys)].sort(), ['action', 'args', 'errnoRet', 'names'])
    assert.deepEqual(Object.keys(PROFILE), ['defaultAction', 'defaultErrnoRet', 'architectures', 'syscalls'])
  })

  for (const call of ['socket', 'socketpair']) {
    it(`${call}(2) makes Unix sockets`, () => {
      assert.equal(errnoOf(call, 1), ALLOWED)
    })

    it(`${call}(2) knows no other address family`, () => {
      const families = [...Array(64).keys()].filter((family) => family !== 1)
      for (const family of [...families, HIGH + 1, HIGH + 2, -1 >>> 0])
        assert.equal(errnoOf(call, family), EAFNOSUPPORT, `family ${family}`)
    })
  }

  for (const call of [
    'io_uring_setup',
    'io_uring_enter',
    'io_uring_register',
    'socketcall',
    'pidfd_getfd',
    'ptrace',
    'process_vm_readv',
    'process_vm_writev',
    'process_madvise',
    'kcmp',
    'bpf',
    'perf_event_open',
    'setns',
    'unshare',
    'mount',
    'userfaultfd',
  ])
    it(`denies ${call}(2)`, () => {
      assert.equal(errnoOf(call), EPERM)
    })

  it('makes no namespace: clone(2) without their flags, and clone3(2), whose flags no filter reads, never', () => {
    const CLONE_NEWNET = 0x4000_0000
    const CLONE_NEWUSER = 0x1000_0000
    assert.equal(errnoOf('clone', 0x11), ALLOWED)
    assert.equal(errnoOf('clone', CLONE_NEWNET), EPERM)
    assert.equal(errnoOf('clone', CLONE_NEWUSER), EPERM)
    assert.equal(errnoOf('clone3'), ENOSYS)
  })

  it('allows what Node and Redis need', () => {
    for (const call of [
      'accept4',
      'bind',
      'connect',
      'epoll_wait',
      'epoll_pwait',
      'flock',
      'recvmsg',
      'execve',
    ])
      assert.equal(errnoOf(call), ALLOWED, call)
  })
})

describe('unixOnly', () => {
  it('keeps the calls of one of the two processors, and leaves out those of others', () => {
    const { syscalls } = unixOnly(DEFAULT_TEXT)
    const names = syscalls.flatMap((rule) => rule.names)
    assert.ok(names.includes('arch_prctl') && names.includes('arm_fadvise64_64'))
    assert.ok(!names.includes('s390_pci_mmio_read') && !names.includes('riscv_flush_icache'))
  })

  it('leaves out what only a capability allows', () => {
    const text = withRule({ names: ['getpid_x'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_X'] } })
    assert.ok(!formatted(unixOnly(text)).includes('getpid_x'))
  })

  it('denies a call in whatever rule the engine allows it', () => {
    const text = withRule({ names: ['getpid_x', 'ptrace'], action: 'SCMP_ACT_ALLOW' })
    assert.ok(!formatted(unixOnly(text)).includes('"ptrace"'))
    assert.ok(formatted(unixOnly(text)).includes('getpid_x'))
  })

  for (const [what, rule, message] of [
    ['a field that it does not know', { names: ['x'], action: 'SCMP_ACT_ALLOW', when: 'later' }, /when/],
    ['an action that it does not know', { names: ['x'], action: 'SCMP_ACT_NOTIFY' }, /SCMP_ACT_NOTIFY/],
    [
      'a condition on the kernel',
      { names: ['x'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '9.1' } },
      /x depends on the kernel's version/,
    ],
    [
      'a rule that one of the two processors does not have',
      { names: ['x'], action: 'SCMP_ACT_ALLOW', excludes: { arches: ['arm64'] } },
      /x excludes one of amd64,arm64/,
    ],
  ] as const)
    it(`fails on ${what}`, () => {
      assert.throws(() => unixOnly(withRule(rule)), { message })
    })
})
