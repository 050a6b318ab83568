import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { sameInode } from '../bind/identity.ts'
import { formatMode, inspectFile } from './file-facts.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inspect-file-'))
})
after(() => rm(directory, { recursive: true }))

const at = (name: string) => join(directory, name)

describe('inspectFile', () => {
  it('reports type, mode and owner of a socket', async () => {
    await using server = createServer().listen(at('a.sock'))
    await once(server, 'listening')
    await chmod(at('a.sock'), 0o640)
    const { facts, errno, link } = await inspectFile(at('a.sock'))
    assert.equal(facts?.kind, 'socket')
    assert.equal(formatMode(facts?.mode ?? 0), '0640')
    assert.equal(facts?.uid, process.getuid?.())
    assert.equal(errno, null)
    assert.equal(link, null)
  })

  it('reports another identity for another socket at the same path', async () => {
    const identities = []
    for (let i = 0; i < 2; i++) {
      await using server = createServer().listen(at('same.sock'))
      await once(server, 'listening')
      identities.push((await inspectFile(at('same.sock'))).facts?.identity)
    }
    const [first, second] = identities
    assert.ok(first && second)
    assert.notDeepEqual(first, second)
    assert.equal(sameInode(first, first), true)
  })

  it('reports ENOENT for a missing file, ENOTDIR below a file', async () => {
    await writeFile(at('file'), '')
    assert.deepEqual(await inspectFile(at('none')), { facts: null, errno: 'ENOENT', link: null })
    assert.equal((await inspectFile(at('file/below'))).errno, 'ENOTDIR')
  })

  it('follows a symbolic link, and reports one that dangles', async () => {
    await mkdir(at('target'))
    await symlink('target', at('link'))
    await symlink('nowhere', at('dangling'))
    const { facts, link } = await inspectFile(at('link'))
    assert.equal(facts?.kind, 'symlink')
    assert.equal(link?.target, 'target')
    assert.equal(link?.facts?.kind, 'directory')
    assert.deepEqual((await inspectFile(at('dangling'))).link, { target: 'nowhere', facts: null })
  })
})
