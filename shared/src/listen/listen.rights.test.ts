import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { modeOf, namesIn, tempDirectory } from '../testing/files.ts'
import { greet, rejection } from '../testing/listeners.ts'
import { failureOf, startListening } from '../testing/server-processes.ts'
import { giveTo, UNPRIVILEGED } from '../testing/users.ts'
import { listen } from './listen.ts'

// Tests that need a second user are in shared/test-as-root.

describe('the mode of a socket', () => {
  it('is 0660 by default', async () => {
    await using directory = await tempDirectory()
    await using _listener = await greet(directory.at('s'), '')
    assert.equal(await modeOf(directory.at('s')), 0o660)
  })

  for (const mode of [0o600, 0o620, 0o666, 0o700, 0o777, 0o200]) {
    it(`0${mode.toString(8)}, is applied as given`, async () => {
      await using directory = await tempDirectory()
      await using _listener = await greet(directory.at('s'), '', { mode })
      assert.equal(await modeOf(directory.at('s')), mode)
    })
  }

  for (const umask of [0, 0o022, 0o077, 0o177, 0o777]) {
    it(`under umask 0${umask.toString(8)}, is the same`, async () => {
      await using directory = await tempDirectory()
      await giveTo(UNPRIVILEGED, directory.path)
      await using _child = await startListening(
        { endpoint: `unix:${directory.at('s')}`, umask },
        UNPRIVILEGED,
      )
      assert.equal(await modeOf(directory.at('s')), 0o660)
      assert.deepEqual(await namesIn(directory.path), ['s', 's.lock'])
    })
  }

  it('in a worker thread, which cannot set a umask, is the same', async () => {
    await using directory = await tempDirectory()
    const module = new URL('./listen.ts', import.meta.url)
    const script = `
      const { listen } = await import(${JSON.stringify(module.href)})
      const { createServer } = await import('node:net')
      await listen(createServer(), { kind: 'unix', path: ${JSON.stringify(directory.at('s'))} })
      require('node:worker_threads').parentPort.postMessage('listening')`
    const worker = new Worker(`(async () => {${script}})()`, { eval: true })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    assert.equal(await modeOf(directory.at('s')), 0o660)
    await worker.terminate()
  })

  it('is set before anybody else can reach the socket', async () => {
    await using directory = await tempDirectory()
    const server = createServer()
    const staged = new Promise<string>((resolve) =>
      server.once('listening', () => resolve(addressOf(server))),
    )
    const seen = listen(server, { kind: 'unix', path: directory.at('s') }, { mode: 0o600 })
    const path = await staged
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
    assert.equal(existsSync(directory.at('s')), false)
    while (!existsSync(directory.at('s'))) await turn()
    assert.equal(await modeOf(directory.at('s')), 0o600)
    await (await seen).close()
  })

  it('of files that other threads make at the same time, is not changed', async () => {
    await using directory = await tempDirectory()
    const names = Array.from({ length: 400 }, (_, index) => directory.at(`f${index}`))
    const expected = 0o666 & ~process.umask()
    const writing = Promise.all(names.map((name) => writeFile(name, '')))
    for (let round = 0; round < 10; round++) await (await greet(directory.at('s'), '')).close()
    await writing
    assert.deepEqual(new Set(await Promise.all(names.map(modeOf))), new Set([expected]))
  })
})

describe('a directory', () => {
  it('that does not exist, is reported as missing and not as denied', async () => {
    await using directory = await tempDirectory()
    const failure = await rejection(greet(directory.at('no/s'), ''))
    assert.deepEqual([failure.code, failure.errno, failure.exitCode], ['directory_missing', 'ENOENT', 78])
    assert.match(failure.message, new RegExp(directory.at('no')))
  })

  it('that is a file, is reported as missing, with ENOTDIR', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('f'), '')
    const failure = await rejection(greet(directory.at('f/s'), ''))
    assert.deepEqual([failure.code, failure.errno], ['directory_missing', 'ENOTDIR'])
  })

  for (const [what, target, errno] of [
    ['a loop of links', 'loop', 'ELOOP'],
    ['a link to a name that is too long', 'n'.repeat(256), 'ENAMETOOLONG'],
    ['a link to nothing', 'nothing', 'ENOENT'],
  ] as const)
    it(`that is ${what}, is reported as missing`, async () => {
      await using directory = await tempDirectory()
      await symlink(target, directory.at('loop'))
      const failure = await rejection(greet(directory.at('loop/s'), ''))
      assert.deepEqual([failure.code, failure.errno, failure.exitCode], ['directory_missing', errno, 78])
    })

  it('whose name has a meaning in a shell, is quoted in the commands of the hint', async () => {
    await using directory = await tempDirectory()
    const path = directory.at('a;touch PWNED; $(id)')
    await mkdir(path)
    await chmod(path, 0o777)
    const { hint } = await rejection(greet(`${path}/s`, ''))
    assert.ok(hint.endsWith(` chmod o-w '${path}'`), hint)
    await chmod(path, 0o755)
    await symlink('loop 1', directory.at('loop 1'))
    assert.match((await rejection(greet(directory.at('loop 1/s'), ''))).hint, /namei -l '.*loop 1'/)
  })

  it('that everybody may write to, is refused, but accepted with the sticky bit', async () => {
    await using directory = await tempDirectory()
    await chmod(directory.path, 0o777)
    const failure = await rejection(greet(directory.at('s'), ''))
    assert.equal(failure.code, 'directory_unsafe')
    assert.match(failure.message, /mode 0777, owner \d+:\d+/)
    assert.match(failure.hint, /chmod o-w/)
    assert.deepEqual(await namesIn(directory.path), [])
    await chmod(directory.path, 0o1777)
    await using listener = await greet(directory.at('s'), '')
    assert.ok(listener.identity)
  })

  it('that we may not write to, is refused with its mode, its owner and a fix', async () => {
    await using directory = await tempDirectory()
    await giveTo(UNPRIVILEGED, directory.path)
    await chmod(directory.path, 0o550)
    const { code, message, hint, exitCode } = await failureOf(
      { endpoint: `unix:${directory.at('s')}` },
      UNPRIVILEGED,
    )
    assert.deepEqual([code, exitCode], ['directory_denied', 77])
    assert.match(message, /mode 0550, owner \d+:\d+/)
    assert.match(hint, /uid=\d+,mode=2750/)
    await chmod(directory.path, 0o755)
  })

  it('that we may not reach, is refused with a command that shows why', async () => {
    await using directory = await tempDirectory()
    await mkdir(directory.at('d'))
    await giveTo(UNPRIVILEGED, directory.path)
    await chmod(directory.path, 0o600)
    const { code, hint } = await failureOf({ endpoint: `unix:${directory.at('d/s')}` }, UNPRIVILEGED)
    assert.equal(code, 'directory_denied')
    assert.match(hint, /namei -l/)
    await chmod(directory.path, 0o755)
    await rm(directory.at('d'), { recursive: true })
  })
})

describe('the group of a socket', () => {
  it('that we are not in, is refused with the line of Compose that fixes it', async () => {
    await using directory = await tempDirectory()
    await giveTo(UNPRIVILEGED, directory.path)
    const task = { endpoint: `unix:${directory.at('s')}`, options: { group: 65_533 } }
    const { code, hint, exitCode } = await failureOf(task, UNPRIVILEGED)
    assert.deepEqual([code, exitCode], ['group_denied', 77])
    assert.match(hint, /group_add: \["65533"\]/)
    assert.deepEqual(await namesIn(directory.path), ['s.lock'])
  })
})

function addressOf(server: ReturnType<typeof createServer>): string {
  return String(server.address())
}
