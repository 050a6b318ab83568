import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { descriptorLimit } from './descriptor-limit.ts'
import { processIdentity } from './permission.ts'

function noDescriptor(): never {
  throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
}

describe('the identity of this process', () => {
  it('is known without /proc, and without a free descriptor to read it', () => {
    const { uid, gids, bypassesPermissions } = processIdentity(noDescriptor)
    assert.equal(uid, process.geteuid?.())
    assert.deepEqual(gids, processIdentity().gids)
    assert.equal(bypassesPermissions, uid === 0)
  })

  it('is known where /proc has another format', () => {
    assert.equal(processIdentity(() => 'CapEff:\t?').bypassesPermissions, process.geteuid?.() === 0)
    if (process.platform === 'linux')
      assert.equal(processIdentity(() => 'CapEff:\t0000000000000002').bypassesPermissions, true)
  })
})

describe('the limit of descriptors', () => {
  const table = (soft: string) => () =>
    `Limit Soft Limit Hard Limit Units\nMax open files            ${soft}                 4096                 files\n`

  it('is the soft one', () => {
    assert.equal(descriptorLimit(table('1024')), 1_024)
    assert.equal(descriptorLimit(table('unlimited')), Number.POSITIVE_INFINITY)
  })

  it('is read from the system where there is no /proc', () => {
    assert.equal(descriptorLimit(noDescriptor), descriptorLimit())
  })

  it('is not known where the table has none', () => {
    assert.equal(
      descriptorLimit(() => ''),
      null,
    )
    assert.equal(descriptorLimit(table('many')), null)
  })
})
