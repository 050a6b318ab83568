import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { fingerprint } from '../src/testing/files.ts'
import { failureOf } from '../src/testing/start.ts'
import { tempDirectory } from '../src/testing/temp-directory.ts'
import { requireRoot } from './as-user.ts'

requireRoot()

describe('a start in a volume', () => {
  it('that is mounted read-only, is refused and names the line of Compose', async () => {
    await using directory = await tempDirectory()
    await mkdir(directory.at('v'))
    const mount = `mount -t tmpfs -o ro none ${directory.at('v')} && exec "$@"`
    const wrapper = ['unshare', '--mount', 'sh', '-c', mount, 'sh']
    const { code, message, hint, exitCode } = await failureOf(
      { endpoint: `unix:${directory.at('v/s')}` },
      { wrapper },
    )
    assert.deepEqual([code, exitCode], ['directory_denied', 77])
    assert.match(message, /read-only mount/)
    assert.match(hint, /take :ro/)
  })

  it('that has no inode left, is refused as io_error and leaves nothing', async () => {
    await using directory = await tempDirectory()
    await mkdir(directory.at('v'))
    const path = directory.at('v')
    const mount = `mount -t tmpfs -o nr_inodes=2,mode=755 none ${path} && "$@"; ls -A ${path} >&2`
    const wrapper = ['unshare', '--mount', 'sh', '-c', mount, 'sh']
    const { code, hint } = await failureOf({ endpoint: `unix:${path}/s` }, { wrapper })
    assert.equal(code, 'io_error')
    assert.match(hint, /size= /)
  })

  it('where a device stands at the path, is refused and leaves it', async () => {
    await using directory = await tempDirectory()
    execFileSync('mknod', [directory.at('s'), 'c', '1', '3'])
    const before = await fingerprint(directory.at('s'))
    const { code } = await failureOf({ endpoint: `unix:${directory.at('s')}` })
    assert.equal(code, 'path_occupied')
    assert.equal(await fingerprint(directory.at('s')), before)
  })
})
