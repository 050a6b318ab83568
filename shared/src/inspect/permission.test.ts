import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FileFacts } from './file-facts.ts'
import { modePermits, NEEDED, type ProcessIdentity, permissionClass, permissionFixes } from './permission.ts'

const socket = (mode: number): FileFacts => ({
  kind: 'socket',
  mode,
  uid: 10_001,
  gid: 10_200,
  identity: { dev: 1n, ino: 1n, birthtimeNs: 1n },
})

const owner: ProcessIdentity = { uid: 10_001, gids: [10_001], bypassesPermissions: false }
const member: ProcessIdentity = { uid: 10_003, gids: [10_003, 10_200], bypassesPermissions: false }
const stranger: ProcessIdentity = { uid: 10_005, gids: [10_005], bypassesPermissions: false }
const root: ProcessIdentity = { uid: 0, gids: [0], bypassesPermissions: true }
const rootWithoutCapabilities: ProcessIdentity = { ...root, bypassesPermissions: false }

describe('modePermits', () => {
  const cases = [
    [0o600, { owner: true, member: false, stranger: false }],
    [0o660, { owner: true, member: true, stranger: false }],
    [0o666, { owner: true, member: true, stranger: true }],
    [0o440, { owner: false, member: false, stranger: false }],
    [0o606, { owner: true, member: false, stranger: true }],
  ] as const
  for (const [mode, expected] of cases)
    it(`of 0${mode.toString(8)} is decided by the first class that matches, and no other`, () => {
      const may = (who: ProcessIdentity) => modePermits(socket(mode), who, NEEDED.socket)
      assert.deepEqual({ owner: may(owner), member: may(member), stranger: may(stranger) }, expected)
    })

  it('applies to root without the capability', () => {
    assert.equal(modePermits(socket(0o660), root, NEEDED.socket), true)
    assert.equal(modePermits(socket(0o660), rootWithoutCapabilities, NEEDED.socket), false)
    assert.equal(permissionClass(socket(0o660), rootWithoutCapabilities), 'others')
  })
})

describe('permissionFixes', () => {
  const fixes = (mode: number, who: ProcessIdentity) =>
    permissionFixes('/run/s', socket(mode), who, NEEDED.socket).map(({ fix }) => fix)

  it('names the group that has the right, or a wider mode, or the owner', () => {
    assert.deepEqual(fixes(0o660, stranger), ['join_group'])
    assert.deepEqual(fixes(0o600, member), ['be_owner', 'widen'])
    assert.deepEqual(fixes(0o600, stranger), ['be_owner', 'widen', 'join_group'])
    assert.deepEqual(fixes(0o060, owner), ['widen'])
  })

  it('looks beyond a mode that permits it already, as for root', () => {
    assert.deepEqual(fixes(0o660, member), ['look_beyond_mode'])
    assert.deepEqual(fixes(0o600, root), ['look_beyond_mode'])
  })
})
