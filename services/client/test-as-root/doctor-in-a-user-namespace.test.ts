import assert from 'node:assert/strict'
import { chmod, chown } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import {
  asUser,
  GROUP,
  inUserNamespace,
  OWNER,
  requireRoot,
  STRANGER,
} from '@uds-sidecar/shared/testing/users'
import { serveWithMode } from '../src/testing/broken-server.ts'
import { assertFinding, doctorIn, type Examined } from '../src/testing/examine.ts'

const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n'
const NOBODY = 65_534
const DENIED = { verdict: 'socket_denied', code: 'socket_denied', exitCode: 77 } as const

requireRoot()

/** A server on a socket with this mode and owner. */
async function serveFor(mode: number, uid: number, gid: number) {
  const server = await serveWithMode(mode, NO_CONTENT)
  await chown(server.path, uid, gid)
  return server
}

const message = ({ finding }: Examined) => finding?.message ?? ''
const fixes = ({ finding }: Examined) => finding?.fixes.map(({ text }) => text) ?? []
const stepOf = ({ steps }: Examined, name: string) =>
  steps.find(({ subject }) => subject === name)?.said ?? ''

describe('doctor in a user namespace, of a socket whose owner and group are not mapped', () => {
  it('says so with the mapping, and how to keep the group or to map both ids', async () => {
    await using server = await serveFor(0o660, OWNER, GROUP)
    const diagnosis = await doctorIn(inUserNamespace(), `unix:${server.path}`)
    assertFinding(diagnosis, { ...DENIED, fix: 'podman run --group-add keep-groups' })
    assertFinding(diagnosis, { ...DENIED, fix: '--uidmap="+uUID:@UID" --gidmap="+gGID:@GID"' })
    assertFinding(diagnosis, { ...DENIED, fix: `stat -c %u:%g ${server.path}` })
    assert.match(message(diagnosis), /its uid and gid are not mapped in this user namespace/)
    assert.match(message(diagnosis), /\(\/proc\/self\/uid_map has 0 0 1; \/proc\/self\/gid_map has 0 0 1\)/)
    assert.match(message(diagnosis), /CAP_DAC_OVERRIDE does not count for it/)
    assert.equal(
      stepOf(diagnosis, 'file'),
      'socket, mode 0660, owner 65534:65534 (uid and gid not mapped here)',
    )
    assert.doesNotMatch(fixes(diagnosis).join(), /65534/)
  })

  it('is live with the kept group of the host, as which 65534 is shown', async () => {
    await using server = await serveFor(0o660, OWNER, GROUP)
    const diagnosis = await doctorIn(inUserNamespace({ groups: [GROUP] }), `unix:${server.path}`)
    assert.equal(diagnosis.verdict, 'live', JSON.stringify(diagnosis))
    assert.match(stepOf(diagnosis, 'address'), /asked as uid 0 with groups 0, 65534 \(not mapped here\)$/)
  })

  it('says that its mode is widened outside, if its group has no right', async () => {
    await using server = await serveFor(0o600, OWNER, GROUP)
    const diagnosis = await doctorIn(inUserNamespace(), `unix:${server.path}`)
    const widen = diagnosis.finding?.fixes.find(({ text }) => text === `chmod g+w ${server.path}`)
    assert.equal(widen?.when, 'outside this user namespace', JSON.stringify(diagnosis))
    assert.doesNotMatch(fixes(diagnosis).join(), /65534/)
  })

  it('says the same of a directory', async () => {
    await using server = await serveFor(0o666, 0, 0)
    await chmod(dirname(server.path), 0o2750)
    await chown(dirname(server.path), OWNER, GROUP)
    const diagnosis = await doctorIn(inUserNamespace(), `unix:${server.path}`)
    const expected = {
      ...DENIED,
      verdict: 'directory_denied',
      fix: 'podman run --group-add keep-groups',
    } as const
    assertFinding(diagnosis, expected)
    assert.match(message(diagnosis), /its uid and gid are not mapped in this user namespace/)
    const kept = await doctorIn(inUserNamespace({ groups: [GROUP] }), `unix:${server.path}`)
    assert.equal(kept.verdict, 'live', JSON.stringify(kept))
  })
})

describe('doctor in a user namespace, with CAP_DAC_OVERRIDE there', () => {
  it('is live through a mode without rights, if the uid and the gid are mapped', async () => {
    await using server = await serveFor(0, 0, GROUP)
    const diagnosis = await doctorIn(inUserNamespace({ gid: GROUP }), `unix:${server.path}`)
    assert.equal(diagnosis.verdict, 'live', JSON.stringify(diagnosis))
    assert.equal(stepOf(diagnosis, 'file'), 'socket, mode 0000, owner 0:0')
  })

  it('is not told to look beyond the mode, if only the uid is mapped', async () => {
    await using server = await serveFor(0, 0, GROUP)
    const diagnosis = await doctorIn(inUserNamespace(), `unix:${server.path}`)
    assertFinding(diagnosis, { ...DENIED, fix: `chmod u+w ${server.path}` })
    assert.match(message(diagnosis), /its gid is not mapped .*CAP_DAC_OVERRIDE does not count for it/)
  })

  it('needs no mapping of the owner to be in a group that is mapped', async () => {
    await using server = await serveFor(0o660, OWNER, GROUP)
    const diagnosis = await doctorIn(inUserNamespace({ gid: GROUP }), `unix:${server.path}`)
    assert.equal(diagnosis.verdict, 'live', JSON.stringify(diagnosis))
  })
})

describe('doctor in the initial user namespace', () => {
  it('takes 65534 for the user and group nobody', async () => {
    await using server = await serveFor(0o660, NOBODY, NOBODY)
    const diagnosis = await doctorIn({ ...asUser(STRANGER), env: { HOME: '/' } }, `unix:${server.path}`)
    assertFinding(diagnosis, { ...DENIED, fix: 'group_add: ["65534"]' })
    assert.equal(stepOf(diagnosis, 'file'), 'socket, mode 0660, owner 65534:65534')
    assert.doesNotMatch(message(diagnosis), /mapped/)
  })
})
