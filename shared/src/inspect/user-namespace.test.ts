import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  explainUnmapped,
  formatOwner,
  isUnmapped,
  mapCommand,
  parseIdMap,
  remappedBy,
  unmappedIds,
  userNamespace,
} from './user-namespace.ts'

const INITIAL = '         0          0 4294967295\n'
const ROOTLESS = '         0       1000          1\n'
const WITH_SUBORDINATES = '0 1000 1\n1 100000 65536\n'

/** The files of a process in a namespace; a missing one throws, as on a system without it. */
function proc(files: Readonly<Record<string, string>>) {
  return userNamespace((path) => {
    const text = files[path]
    if (text === undefined) throw new Error(`ENOENT: ${path}`)
    return text
  })
}

const inside = (uids: string, gids = uids, overflow = '65534\n') =>
  proc({
    '/proc/self/uid_map': uids,
    '/proc/self/gid_map': gids,
    '/proc/sys/kernel/overflowuid': overflow,
    '/proc/sys/kernel/overflowgid': overflow,
  })

describe('a map of ids', () => {
  it('is read as the kernel writes it', () => {
    assert.deepEqual(parseIdMap(INITIAL), [{ inside: 0, outside: 0, length: 4_294_967_295 }])
    assert.deepEqual(parseIdMap(WITH_SUBORDINATES), [
      { inside: 0, outside: 1_000, length: 1 },
      { inside: 1, outside: 100_000, length: 65_536 },
    ])
  })

  it('is empty before somebody has written it', () => {
    assert.deepEqual(parseIdMap(''), [])
  })

  it('of another format is not known', () => {
    for (const text of ['0 0', '0 0 x', '-1 0 1', '0 0 1 1', `${ROOTLESS}# more`])
      assert.equal(parseIdMap(text), null, text)
  })
})

describe('an engine that remaps ids', () => {
  it('is seen by its one range from 0 on', () => {
    assert.deepEqual(remappedBy(inside('0 100000 65536\n', '0 200000 65536\n')), {
      uid: 100_000,
      gid: 200_000,
    })
  })

  for (const [what, map] of [
    ['the initial namespace', INITIAL],
    ['a rootless engine', WITH_SUBORDINATES],
    ['one user mapped to root', ROOTLESS],
    ['a map of two ranges, which move ids by different amounts', '0 100000 65536\n65536 300000 65536\n'],
    ['a map that begins above 0', '1 100000 65536\n'],
    ['an empty map', ''],
    ['a map of another format', 'x'],
  ] as const)
    it(`is not seen in ${what}`, () => {
      assert.equal(remappedBy(inside(map)), undefined)
      assert.equal(remappedBy(inside('0 100000 65536\n', map)), undefined)
    })
})

describe('the overflow id', () => {
  const unmapped = (id: number, map: string) => isUnmapped(id, inside(map).uid)

  it('is nobody in the initial namespace, and wherever else everything is mapped', () => {
    assert.equal(unmapped(65_534, INITIAL), false)
    assert.equal(unmapped(65_534, '0 0 1000\n1000 1000 4294966295\n'), false)
  })

  it('means that an id is not mapped elsewhere', () => {
    for (const map of [ROOTLESS, WITH_SUBORDINATES, '']) assert.equal(unmapped(65_534, map), true, map)
    assert.equal(unmapped(0, ROOTLESS), false)
  })

  it('is what the kernel is set to', () => {
    const { uid } = inside(ROOTLESS, ROOTLESS, '99\n')
    assert.deepEqual([isUnmapped(99, uid), isUnmapped(65_534, uid)], [true, false])
  })

  it('is looked at for uid and gid by themselves', () => {
    const nobody = { uid: 65_534, gid: 65_534 }
    assert.deepEqual(unmappedIds(nobody, inside(ROOTLESS, INITIAL)), ['uid'])
    assert.deepEqual(unmappedIds(nobody, inside(INITIAL, ROOTLESS)), ['gid'])
    assert.equal(formatOwner(nobody, inside(ROOTLESS)), '65534:65534 (uid and gid not mapped here)')
    assert.equal(formatOwner({ uid: 0, gid: 65_534 }, inside(ROOTLESS)), '0:65534 (gid not mapped here)')
    assert.equal(formatOwner(nobody, inside(INITIAL)), '65534:65534')
  })

  it('is 65534 where /proc/sys cannot be read', () => {
    const { uid } = proc({ '/proc/self/uid_map': ROOTLESS })
    assert.equal(isUnmapped(65_534, uid), true)
  })

  it('is an id like any other where the maps cannot be read', () => {
    const unknown = proc({})
    assert.deepEqual(unmappedIds({ uid: 65_534, gid: 65_534 }, unknown), [])
    assert.equal(explainUnmapped({ uid: 65_534, gid: 65_534 }, unknown, true), undefined)
  })
})

describe('the sentence about an owner that is not mapped', () => {
  const nobody = { uid: 65_534, gid: 65_534 }

  it('shows the mapping that is there', () => {
    assert.equal(
      explainUnmapped(nobody, inside(ROOTLESS), false),
      'its uid and gid are not mapped in this user namespace ' +
        '(/proc/self/uid_map has 0 1000 1; /proc/self/gid_map has 0 1000 1), so 65534 is shown instead',
    )
    assert.match(
      explainUnmapped({ uid: 0, gid: 65_534 }, inside(ROOTLESS, ''), false) ?? '',
      /^its gid is not mapped in this user namespace \(\/proc\/self\/gid_map is empty\)/,
    )
  })

  it('says that a capability does not count, if the process has it', () => {
    const end = /, and CAP_DAC_OVERRIDE does not count for it$/
    assert.match(explainUnmapped(nobody, inside(ROOTLESS), true) ?? '', end)
    assert.doesNotMatch(explainUnmapped(nobody, inside(ROOTLESS), false) ?? '', end)
  })

  it('is careful where the overflow id itself is mapped', () => {
    assert.match(
      explainUnmapped(nobody, inside(WITH_SUBORDINATES), false) ?? '',
      /unless it really is 65534, which is mapped too/,
    )
  })

  it('stays short for a map of any length', () => {
    const long = Array.from({ length: 340 }, (_, index) => `${index} ${1_000 + index} 1`).join('\n')
    const said = explainUnmapped({ uid: 65_534, gid: 0 }, inside(long), false) ?? ''
    assert.match(said, /has 0 1000 1, 1 1001 1, 2 1002 1, 3 1003 1 and 336 more\)/)
  })

  it('goes with the options of podman that map the ids', () => {
    assert.equal(mapCommand(['gid']), 'podman run --gidmap="+gGID:@GID"')
    assert.equal(mapCommand(['uid', 'gid']), 'podman run --uidmap="+uUID:@UID" --gidmap="+gGID:@GID"')
  })
})
