import assert from 'node:assert/strict'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { NEEDED } from '@uds-sidecar/shared/inspect/permission'
import { serveInDirectoryWithMode, temporaryDirectory } from '../testing/broken-server.ts'
import { AS_ROOT, assertFinding, doctor, doctorAsNobody } from '../testing/examine.ts'
import { permissionFixesFor } from './findings/file-findings.ts'

describe('doctor, of a path', () => {
  it('that is too long counts its bytes', async () => {
    const diagnosis = await doctor(`unix:/${'é'.repeat(60)}`)
    assertFinding(diagnosis, {
      verdict: 'path_too_long',
      code: 'path_too_long',
      exitCode: 78,
      fix: 'shorter',
    })
    assert.match(diagnosis.finding?.message ?? '', /121 bytes and may have 107/)
  })

  it('that is not an endpoint says what an endpoint is', async () => {
    const expected = {
      verdict: 'bad_endpoint',
      code: 'bad_endpoint',
      exitCode: 78,
      fix: 'unix:/absolute',
    } as const
    assertFinding(await doctor('unix:relative.sock'), expected)
  })

  it('whose directory is missing names it', async () => {
    await using temporary = await temporaryDirectory()
    const diagnosis = await doctor(`unix:${temporary.directory}/no/such/a.sock`)
    const fix = `volumes: ["VOLUME:${temporary.directory}/no/such:ro"]`
    assertFinding(diagnosis, { verdict: 'directory_missing', code: 'socket_missing', exitCode: 69, fix })
    assert.match(diagnosis.finding?.message ?? '', new RegExp(`${temporary.directory}/no does not exist`))
  })

  it('with a loop of links instead of a directory is not a socket', async () => {
    await using temporary = await temporaryDirectory()
    const loop = join(temporary.directory, 'loop')
    await symlink('other', loop)
    await symlink('loop', join(temporary.directory, 'other'))
    for (const below of ['a.sock', 'sub/a.sock']) {
      const fix = `ln -sfn REAL-DIRECTORY ${loop}`
      const expected = { verdict: 'not_a_socket', code: 'not_a_socket', exitCode: 78, fix } as const
      assertFinding(await doctor(`unix:${loop}/${below}`), expected)
    }
  })

  it('with a dangling link instead of a directory names the link', async () => {
    await using temporary = await temporaryDirectory()
    const link = join(temporary.directory, 'link')
    await symlink('nowhere', link)
    const diagnosis = await doctor(`unix:${link}/a.sock`)
    const fix = `ln -sfn REAL-DIRECTORY ${link}`
    assertFinding(diagnosis, { verdict: 'directory_missing', code: 'socket_missing', exitCode: 69, fix })
    assert.match(diagnosis.finding?.message ?? '', /symbolic link to nowhere/)
  })

  it('below a file says that it is not a directory', async () => {
    await using temporary = await temporaryDirectory()
    const file = join(temporary.directory, 'file')
    await writeFile(file, '')
    const expected = {
      verdict: 'directory_missing',
      code: 'socket_missing',
      exitCode: 69,
      fix: `mv ${file} ${file}.aside`,
    } as const
    assertFinding(await doctor(`unix:${file}/a.sock`), expected)
  })

  it('whose parent lacks x names the directory, its mode and the mode that fixes it', async () => {
    await using server = await serveInDirectoryWithMode(0o600)
    const diagnosis = await doctorAsNobody(`unix:${server.inner}/a.sock`)
    const fix = AS_ROOT ? 'mode=0610' : `chmod u+x ${server.inner}`
    assertFinding(diagnosis, { verdict: 'directory_denied', code: 'socket_denied', exitCode: 77, fix })
    assert.match(diagnosis.finding?.message ?? '', /may not pass through \S+closed \(mode 0600, owner/)
  })

  it('whose parent grants x to its group says which group to join', async () => {
    await using server = await serveInDirectoryWithMode(0o010)
    const diagnosis = await doctorAsNobody(`unix:${server.inner}/a.sock`)
    const fix = AS_ROOT ? 'group_add: ["0"]' : `chmod u+x ${server.inner}`
    assertFinding(diagnosis, { verdict: 'directory_denied', code: 'socket_denied', exitCode: 77, fix })
  })
})

describe('doctor, below an engine that remaps ids (userns-remap)', () => {
  it('says by how much uid= and gid= of the volume are moved', () => {
    const range = { ranges: [{ inside: 0, outside: 165_536, length: 65_536 }], overflow: 65_534 }
    const who = {
      uid: 10_003,
      gids: [10_003, 10_200],
      bypassesPermissions: false,
      userNamespace: { uid: range, gid: range },
    }
    const identity = { dev: 1n, ino: 1n, birthtimeNs: 1n }
    const directory = { kind: 'directory', mode: 0o2750, uid: 65_534, gid: 65_534, identity } as const
    const fixes = permissionFixesFor('/run/app/api', directory, who, NEEDED.directory)
    assert.ok(
      fixes.some(({ where, text }) => where === 'compose' && text === 'o: "uid=UID+165536,gid=GID+165536,…"'),
      JSON.stringify(fixes),
    )
  })
})
