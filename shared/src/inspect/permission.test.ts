import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FileFacts } from './file-facts.ts'
import {
  formatIdentityOfProcess,
  modePermits,
  NEEDED,
  type ProcessIdentity,
  permissionClass,
  permissionFixes,
} from './permission.ts'
import { parseIdMap, type UserNamespace } from './user-namespace.ts'

const socket = (mode: number): FileFacts => ({
  kind: 'socket',
  mode,
  uid: 10_001,
  gid: 10_200,
  identity: { dev: 1n, ino: 1n, birthtimeNs: 1n },
})

const NOBODY = 65_534

function namespace(map: string): UserNamespace {
  const ids = { ranges: parseIdMap(map), overflow: NOBODY }
  return { uid: ids, gid: ids }
}

const unprivileged = { bypassesPermissions: false, userNamespace: namespace('0 0 4294967295') }
const owner: ProcessIdentity = { uid: 10_001, gids: [10_001], ...unprivileged }
const member: ProcessIdentity = { uid: 10_003, gids: [10_003, 10_200], ...unprivileged }
const stranger: ProcessIdentity = { uid: 10_005, gids: [10_005], ...unprivileged }
const rootWithoutCapabilities: ProcessIdentity = { uid: 0, gids: [0], ...unprivileged }
const root: ProcessIdentity = { ...rootWithoutCapabilities, bypassesPermissions: true }
/** Root of a container of rootless podman, for which it keeps a group of the host. */
const rootInside: ProcessIdentity = { ...root, gids: [0, NOBODY], userNamespace: namespace('0 1000 1') }

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

describe('in a user namespace', () => {
  const ids = (uid: number, gid: number, mode: number): FileFacts => ({ ...socket(mode), uid, gid })
  const fixes = (facts: FileFacts, who: ProcessIdentity) =>
    permissionFixes('/run/s', facts, who, NEEDED.socket).map(({ fix }) => fix)

  it('a capability counts only for a file whose uid and gid are mapped', () => {
    const may = (uid: number, gid: number) => modePermits(ids(uid, gid, 0), rootInside, NEEDED.socket)
    assert.equal(may(0, 0), true)
    assert.equal(may(NOBODY, 0), false)
    assert.equal(may(0, NOBODY), false)
    assert.equal(may(NOBODY, NOBODY), false)
  })

  it('the overflow id is neither our uid nor one of our groups', () => {
    const unmapped: ProcessIdentity = { ...rootInside, uid: NOBODY }
    assert.equal(permissionClass(ids(NOBODY, NOBODY, 0o660), unmapped), 'others')
    const nobody: ProcessIdentity = { ...stranger, uid: NOBODY, gids: [NOBODY] }
    assert.equal(permissionClass(ids(NOBODY, 0, 0o660), nobody), 'owner')
    assert.equal(permissionClass(ids(0, NOBODY, 0o660), nobody), 'group')
  })

  it('nobody joins the group 65534, or runs as the uid 65534: podman keeps groups, or maps ids', () => {
    assert.deepEqual(fixes(ids(NOBODY, NOBODY, 0o660), rootInside), ['keep_groups', 'map_ids'])
    assert.deepEqual(fixes(ids(NOBODY, NOBODY, 0o600), rootInside), ['widen', 'keep_groups', 'map_ids'])
    assert.deepEqual(fixes(ids(NOBODY, NOBODY, 0o660), stranger), ['join_group'])
  })

  it('where the engine remaps all ids, its volume is made with ids that are moved as well', () => {
    const range = { ranges: [{ inside: 0, outside: 100_000, length: 65_536 }], overflow: NOBODY }
    const remapped = { ...rootInside, bypassesPermissions: false, userNamespace: { uid: range, gid: range } }
    const all = permissionFixes('/run/s', ids(NOBODY, NOBODY, 0o660), remapped, NEEDED.socket)
    assert.deepEqual(
      all.map(({ fix }) => fix),
      ['keep_groups', 'move_volume', 'map_ids'],
    )
    assert.deepEqual(all[1], { fix: 'move_volume', by: { uid: 100_000, gid: 100_000 } })
  })

  it('maps only what helps: a group with the right is enough for a process without capabilities', () => {
    const plain = { ...rootInside, bypassesPermissions: false }
    const mapped = (facts: FileFacts, who: ProcessIdentity) =>
      permissionFixes('/run/s', facts, who, NEEDED.socket).flatMap((each) =>
        each.fix === 'map_ids' ? each.ids : [],
      )
    assert.deepEqual(mapped(ids(NOBODY, NOBODY, 0o660), rootInside), ['uid', 'gid'])
    assert.deepEqual(mapped(ids(NOBODY, NOBODY, 0o660), plain), ['gid'])
    assert.deepEqual(mapped(ids(NOBODY, 10_200, 0o660), plain), [])
    assert.deepEqual(mapped(ids(NOBODY, 10_200, 0o600), plain), ['uid'])
  })

  it('the mode of a file whose owner is not mapped is widened outside', () => {
    const where = (uid: number) =>
      permissionFixes('/run/s', ids(uid, NOBODY, 0o600), { ...rootInside, uid: 5 }, NEEDED.socket).flatMap(
        (each) => (each.fix === 'widen' ? each.where : []),
      )
    assert.deepEqual([where(NOBODY), where(0)], [['outside'], ['here']])
  })

  it('a supplementary group that is not mapped is shown as that', () => {
    assert.equal(formatIdentityOfProcess(rootInside), 'uid 0 with groups 0, 65534 (not mapped here)')
    assert.equal(
      formatIdentityOfProcess({ ...stranger, gids: [10_005, NOBODY] }),
      'uid 10005 with groups 10005, 65534',
    )
  })
})
