import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { fingerprint, namesIn, type TempDirectory, tempDirectory } from '../src/testing/files.ts'
import { failureOf, startListening } from '../src/testing/server-processes.ts'
import { requireRoot } from '../src/testing/users.ts'

requireRoot()

describe('a start in a volume', () => {
  it('that is mounted read-only, fails and names the line of Compose', async () => {
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

  it('that has no inode left, fails with io_error and leaves nothing', async () => {
    await using directory = await tempDirectory()
    await mkdir(directory.at('v'))
    const path = directory.at('v')
    const mount = `mount -t tmpfs -o nr_inodes=2,mode=755 none ${path} && "$@"; ls -A ${path} >&2`
    const wrapper = ['unshare', '--mount', 'sh', '-c', mount, 'sh']
    const { code, message, hint } = await failureOf({ endpoint: `unix:${path}/s` }, { wrapper })
    assert.equal(code, 'io_error')
    assert.match(message, /0 of 2 inodes left/)
    assert.match(hint, /nr_inodes= in/)
    assert.doesNotMatch(hint, /size= /)
  })

  for (const inodes of [1, 3])
    it(`that has inodes for ${inodes - 1} of what a start makes, names nr_inodes too`, async () => {
      await using directory = await tempDirectory()
      const wrapper = await inTmpfs(directory, `nr_inodes=${inodes},mode=755`)
      const { code, hint } = await failureOf({ endpoint: `unix:${directory.at('v/s')}` }, { wrapper })
      assert.equal(code, 'io_error')
      assert.match(hint, /nr_inodes= in/)
    })

  it('that has no space left, names size', async () => {
    await using directory = await tempDirectory()
    const fill = `head -c 65536 /dev/zero > ${directory.at('v/full')} 2>/dev/null`
    const wrapper = await inTmpfs(directory, 'size=64k,mode=755', fill)
    const { code, message, hint } = await failureOf({ endpoint: `unix:${directory.at('v/s')}` }, { wrapper })
    assert.equal(code, 'io_error')
    assert.match(message, /the volume is full/)
    assert.match(hint, /raise size= in/)
  })

  it('that has neither, names both', async () => {
    await using directory = await tempDirectory()
    const fill = `head -c 65536 /dev/zero > ${directory.at('v/full')} 2>/dev/null`
    const wrapper = await inTmpfs(directory, 'size=64k,nr_inodes=3,mode=755', fill)
    const { hint } = await failureOf({ endpoint: `unix:${directory.at('v/s')}` }, { wrapper })
    assert.match(hint, /raise nr_inodes= and size= in/)
  })

  it('of which the single socket file is mounted, says to mount the directory and leaves it', async () => {
    await using directory = await tempDirectory()
    await using stale = await startListening({ endpoint: `unix:${directory.at('old')}` })
    await stale.crash()
    await mkdir(directory.at('v'))
    await writeFile(directory.at('v/s'), '')
    const before = await fingerprint(directory.at('old'))
    const mount = `mount --bind ${directory.at('old')} ${directory.at('v/s')} && exec "$@"`
    const wrapper = ['unshare', '--mount', 'sh', '-c', mount, 'sh']
    const { code, message, hint } = await failureOf({ endpoint: `unix:${directory.at('v/s')}` }, { wrapper })
    assert.equal(code, 'io_error')
    assert.match(message, /a mount stands at its path/)
    assert.match(hint, /mount the directory of the socket, never the single socket file/)
    assert.equal(await fingerprint(directory.at('old')), before)
    assert.deepEqual(await namesIn(directory.at('v')), ['s', 's.lock'])
  })

  for (const [what, put] of Object.entries({
    'an empty directory, as Docker makes one,': (path: string) => mkdir(path),
    'a file': (path: string) => writeFile(path, ''),
  }))
    it(`of which ${what} is mounted at the path, says so, because it cannot be moved away`, async () => {
      await using directory = await tempDirectory()
      await put(directory.at('x'))
      await put(directory.at('s 1'))
      const mount = `mount --bind ${directory.at('x')} "${directory.at('s 1')}" && exec "$@"`
      const wrapper = ['unshare', '--mount', 'sh', '-c', mount, 'sh']
      const { code, hint } = await failureOf({ endpoint: `unix:${directory.at('s 1')}` }, { wrapper })
      assert.equal(code, 'path_occupied')
      assert.match(hint, /it is mounted there: mount the directory/)
    })

  it('with a device at the path, is refused and leaves it', async () => {
    await using directory = await tempDirectory()
    execFileSync('mknod', [directory.at('s'), 'c', '1', '3'])
    const before = await fingerprint(directory.at('s'))
    const { code } = await failureOf({ endpoint: `unix:${directory.at('s')}` })
    assert.equal(code, 'path_occupied')
    assert.equal(await fingerprint(directory.at('s')), before)
  })
})

/** Runs a child with a tmpfs at `v`, after the shell command `prepare` in it. */
async function inTmpfs(directory: TempDirectory, options: string, prepare = ':'): Promise<string[]> {
  await mkdir(directory.at('v'))
  const mount = `mount -t tmpfs -o ${options} none ${directory.at('v')} && { ${prepare}; exec "$@"; }`
  return ['unshare', '--mount', 'sh', '-c', mount, 'sh']
}
