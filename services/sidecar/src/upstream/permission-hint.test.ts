import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FileFacts } from '@uds-sidecar/shared/inspect/file-facts'
import { NEEDED } from '@uds-sidecar/shared/inspect/permission'
import { parseIdMap } from '@uds-sidecar/shared/inspect/user-namespace'
import { permissionRemedy } from './permission-hint.ts'

const PATH = '/run/app/api/api.sock'
const EVERYTHING = { ranges: parseIdMap('0 0 4294967295'), overflow: 65_534 }
const STRANGER = {
  uid: 10_002,
  gids: [10_002],
  bypassesPermissions: false,
  userNamespace: { uid: EVERYTHING, gid: EVERYTHING },
}
const MEMBER = { ...STRANGER, gids: [10_002, 10_200] }
const OWNER = { ...STRANGER, uid: 10_001 }

function socket(mode: number): FileFacts {
  return { kind: 'socket', mode, uid: 10_001, gid: 10_200, identity: { dev: 1n, ino: 1n, birthtimeNs: 1n } }
}

const remedy = (mode: number, who: typeof STRANGER) =>
  permissionRemedy(PATH, socket(mode), who, NEEDED.socket)

describe('the hint for a missing permission', () => {
  it('names the group to join, when the group may write', () => {
    assert.equal(remedy(0o660, STRANGER), 'add group_add: ["10200"] to this service')
  })

  it('is chmod with a warning, when the group may not write', () => {
    const alone = 'unless only uid 10001 is meant to have access'
    assert.equal(remedy(0o600, MEMBER), `chmod g+w ${PATH}, ${alone}`)
    assert.equal(
      remedy(0o600, STRANGER),
      `chmod g+w ${PATH} and add group_add: ["10200"] to this service, ${alone}`,
    )
  })

  it('is chmod for the owner, when this process owns the file', () => {
    assert.equal(remedy(0o060, OWNER), `chmod u+w ${PATH}`)
  })

  it('quotes the path for the shell', () => {
    const hint = permissionRemedy('/run/a;touch b', socket(0o060), OWNER, NEEDED.socket)
    assert.equal(hint, "chmod u+w '/run/a;touch b'")
  })

  it('is the x permission, when a directory denies access', () => {
    const directory = { ...socket(0o640), kind: 'directory' } as const
    assert.match(permissionRemedy('/run/app', directory, MEMBER, NEEDED.directory), /^chmod g\+x \/run\/app/)
  })

  it('keeps groups or maps ids, when the owner is not mapped in this user namespace', () => {
    const own = { ranges: parseIdMap('0 1000 1'), overflow: 65_534 }
    const inside = { ...STRANGER, userNamespace: { uid: own, gid: own } }
    const unmapped = (mode: number) => ({ ...socket(mode), uid: 65_534, gid: 65_534 })
    const keep = 'start this service with `podman run --group-add keep-groups`'
    assert.equal(
      permissionRemedy(PATH, unmapped(0o660), inside, NEEDED.socket),
      `${keep}, as a user who is in its group on the host; or map its gid with \`podman run --gidmap="+gGID:@GID"\``,
    )
    const closed = permissionRemedy(PATH, unmapped(0o600), inside, NEEDED.socket)
    assert.ok(closed.startsWith(`chmod g+w ${PATH} outside this user namespace and ${keep}`), closed)
    assert.match(closed, /, unless only its owner is meant to have access; or map its uid and gid/)
  })

  it('names access control lists, AppArmor and SELinux, when the mode permits access', () => {
    assert.match(remedy(0o660, MEMBER), /access control lists/)
  })
})
