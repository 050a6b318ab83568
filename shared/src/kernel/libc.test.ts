import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Child, WITHOUT_FFI } from '../testing/processes.ts'
import type { LibcReport } from '../testing/programs.ts'
import { AF_UNIX, type Libc, LOCK_EX, LOCK_NB, libc, SOCK_CLOEXEC, SOCK_DGRAM, SystemError } from './libc.ts'

function available(): Libc {
  const c = libc()
  assert.ok(c.available)
  return c
}

async function reportOf(nodeArgs: readonly string[]): Promise<LibcReport & { stderr: string }> {
  await using child = new Child('call-libc', [], { nodeArgs })
  const report = await child.next<LibcReport>()
  assert.equal(await child.ended(), 0)
  return { ...report, stderr: child.stderr }
}

describe('libc', () => {
  it('is loaded by the first call, not by the import', async () => {
    const { available, loaded } = await reportOf([])
    assert.deepEqual([available, loaded], [true, [false, true]])
  })

  it('is loaded without the warning of node:ffi, and every other warning is shown', async () => {
    const { stderr } = await reportOf([])
    assert.doesNotMatch(stderr, /FFI/)
    assert.match(stderr, /ExperimentalWarning: of another feature/)
  })

  it('keeps the errno of a call that fails', async () => {
    assert.equal((await reportOf([])).errno, 'EBADF')
    assert.throws(() => available().close(9_999), { code: 'EBADF', errno: -9, syscall: 'close' })
    assert.throws(
      () => available().close(9_999),
      (error) => error instanceof SystemError && error.message === 'EBADF: bad file descriptor, close',
    )
  })

  it('keeps the errno of each of many calls that fail in different ways', () => {
    const c = available()
    const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    for (let n = 0; n < 2_000; n++) {
      assert.throws(() => c.flock(9_999, LOCK_EX | LOCK_NB), { code: 'EBADF' })
      assert.throws(() => c.flock(fd, 0), { code: 'EINVAL' })
    }
    c.close(fd)
  })
})

describe('where there is no node:ffi', () => {
  it('libc is not available, and says why and what to do', async () => {
    const { available, reason, hint, stderr } = await reportOf(WITHOUT_FFI)
    assert.equal(available, false)
    assert.match(reason ?? '', /^Node v\d+\S* has no node:ffi, or was started with --no-experimental-ffi$/)
    assert.match(hint ?? '', /^use Node 26\.10 or later/)
    assert.doesNotMatch(stderr, /FFI/)
  })

  it('a start that needs peer credentials is refused with peer_unknown', async () => {
    const { refused } = await reportOf(WITHOUT_FFI)
    const [code, exitCode, message = '', hint = ''] = refused ?? []
    assert.deepEqual([code, exitCode], ['peer_unknown', 78])
    assert.match(message, /^a test needs to know which user calls, .* has no node:ffi/)
    assert.match(hint, /^use Node 26\.10 or later/)
  })
})

describe('where the permission model denies node:ffi', () => {
  it('libc is not available, and says which option allows it', async () => {
    const { available, reason, hint } = await reportOf(['--permission', '--allow-fs-read=*'])
    assert.equal(available, false)
    assert.match(reason ?? '', /permission model/)
    assert.equal(hint, 'start Node with --allow-ffi')
  })
})

describe('where node:ffi works', () => {
  it('a start that needs peer credentials is not refused', async () => {
    assert.equal((await reportOf([])).refused, undefined)
  })
})
