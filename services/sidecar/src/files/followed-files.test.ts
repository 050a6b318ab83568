import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { recordedLog } from '../testing/recorded-log.ts'
import { FollowedFiles, type FollowedFilesParts } from './followed-files.ts'

function bad(message: string): Failure {
  return new Failure('bad_config', { message, hint: 'write it again' })
}

/** The text of the file `a`; a text with "bad" in it is refused. */
function parts(directory: TempDirectory, log = recordedLog().log): FollowedFilesParts<string> {
  return {
    paths: [directory.at('a')],
    read: () => {
      const text = readFileSync(directory.at('a'), 'utf8')
      if (text.includes('bad')) throw bad(text)
      return text
    },
    isSame: (one, other) => one === other,
    logFields: () => ({ file: 'a' }),
    texts: { taken: 'taken', kept: 'kept' },
    counters: { reloadFailures: 0 },
    log,
  }
}

describe('followed files', () => {
  it('are replaced without a signal, also by a link that is swapped', async () => {
    await using directory = await tempDirectory()
    for (const version of ['1', '2']) {
      await mkdir(directory.at(`..${version}`))
      await writeFile(directory.at(`..${version}/a`), version)
    }
    await symlink('..1', directory.at('..data'))
    await symlink('..data/a', directory.at('a'))
    using files = await FollowedFiles.load(parts(directory))
    assert.equal(files.value, '1')
    await symlink('..2', directory.at('..next'))
    await rename(directory.at('..next'), directory.at('..data'))
    await eventually('the new value', () => files.value === '2')
  })

  it('keep the old value when they are bad or gone, and say why once', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('a'), 'one')
    const recorded = recordedLog()
    const own = parts(directory, recorded.log)
    using files = await FollowedFiles.load(own)
    await writeFile(directory.at('a'), 'bad text')
    await eventually('the refusal', () => files.lastFailure !== null)
    assert.equal(files.value, 'one')
    await files.look()
    assert.equal(own.counters.reloadFailures, 1)
    assert.equal(recorded.text().split('kept: bad text').length, 2)
    await rename(directory.at('a'), directory.at('b'))
    await eventually('the second refusal', () => own.counters.reloadFailures === 2)
    assert.match(files.lastFailure?.message ?? '', /ENOENT/)
    assert.equal(files.value, 'one')
    await writeFile(directory.at('b'), 'two')
    await rename(directory.at('b'), directory.at('a'))
    await eventually('the good value', () => files.value === 'two')
    assert.equal(files.lastFailure, null)
  })

  it('that are only touched are nothing new', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('a'), 'one')
    const recorded = recordedLog()
    using files = await FollowedFiles.load(parts(directory, recorded.log))
    let replaced = 0
    files.onReplaced = () => {
      replaced += 1
    }
    await writeFile(directory.at('a'), 'one')
    await files.look()
    assert.equal(replaced, 0)
    assert.equal(recorded.text(), '')
  })

  it('are read again when they change while they are read', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('a'), 'first')
    let reads = 0
    const read = async () => {
      const text = readFileSync(directory.at('a'), 'utf8')
      reads += 1
      if (reads === 1) await writeFile(directory.at('a'), 'second, which is longer')
      return text
    }
    using files = await FollowedFiles.load({ ...parts(directory), read })
    assert.equal(files.value, 'second, which is longer')
  })

  it('are not taken over while something else speaks against it, and are when that has gone', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('a'), 'one')
    let isTaken = true
    const conflict = (text: string) => (isTaken && text === 'two' ? bad('two is taken') : undefined)
    using files = await FollowedFiles.load({ ...parts(directory), conflict })
    await writeFile(directory.at('a'), 'two')
    await eventually('the refusal', () => files.lastFailure !== null)
    assert.equal(files.value, 'one')
    isTaken = false
    await files.look()
    assert.equal(files.value, 'one')
    await files.reconsider()
    assert.equal(files.value, 'two')
  })

  it('are no longer followed after the disposal', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('a'), 'one')
    const files = await FollowedFiles.load(parts(directory))
    files[Symbol.dispose]()
    await writeFile(directory.at('a'), 'two')
    await files.look()
    assert.equal(files.value, 'one')
  })

  it('that are bad at the start are a failure', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('a'), 'bad')
    await assert.rejects(FollowedFiles.load(parts(directory)), { code: 'bad_config', message: 'bad' })
  })
})
