import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { tempDirectory } from '../testing/files.ts'
import { greet } from '../testing/listeners.ts'
import { WITHOUT_FFI } from '../testing/processes.ts'
import { expectEvent, lockHolder, start, startListening } from '../testing/server-processes.ts'
import { eventually } from '../testing/waiting.ts'

const TAKEOVER = { onConflict: 'takeover' } as const

describe('a start that has to wait for the lock', () => {
  it('names the holder after 1 s, and again when it gives up', async () => {
    await using directory = await tempDirectory()
    await using holder = await lockHolder(directory.at('s.lock'))
    await using child = start({ endpoint: `unix:${directory.at('s')}`, options: TAKEOVER })
    const notice = await child.says(/\n/)
    assert.equal(
      notice,
      `waiting for lock file ${directory.at('s.lock')}, held by process ${holder.pid} (perl); gives up after 5 s; stop it first (kill ${holder.pid}), or start both with onConflict takeover\n`,
    )
    const { code, message, exitCode } = await expectEvent(child, 'failed')
    assert.deepEqual([code, exitCode], ['in_use', 75])
    assert.equal(
      message,
      `another server owns ${directory.at('s')}: for 5 s its lock file ${directory.at('s.lock')} was held by process ${holder.pid} (perl)`,
    )
    assert.equal(child.stderr, notice, 'once')
  })

  it('whose holder is stopped, says how to continue it, and goes on after that', async () => {
    await using directory = await tempDirectory()
    await using holder = await lockHolder(directory.at('s.lock'))
    holder.signal('SIGSTOP')
    await using child = start({ endpoint: `unix:${directory.at('s')}`, options: TAKEOVER })
    const notice = await child.says(/\n/)
    assert.match(notice, /held by process \d+ \(perl\), which is stopped; gives up after 5 s; continue it/)
    assert.ok(notice.includes(`kill -CONT ${holder.pid}`), notice)
    await holder[Symbol.asyncDispose]()
    await expectEvent(child, 'listening')
  })

  it('whose holder is a server without takeover, names that server', async () => {
    await using directory = await tempDirectory()
    await using owner = await startListening({ endpoint: `unix:${directory.at('s')}` })
    await using child = start({ endpoint: `unix:${directory.at('s')}`, options: TAKEOVER })
    const notice = await child.says(/\n/)
    assert.ok(notice.includes(`held by process ${owner.pid} (node); gives up after 5 s`), notice)
  })

  it('because flock(1) hangs, says that, and names no holder', async () => {
    await using directory = await tempDirectory()
    const script = `#!/bin/sh\necho $$ > ${directory.at('new')}\nmv ${directory.at('new')} ${directory.at('pid')}\nexec sleep 60\n`
    await writeFile(directory.at('flock'), script, { mode: 0o755 })
    const env = { PATH: `${directory.path}:${process.env.PATH}` }
    await using child = start({ endpoint: `unix:${directory.at('s')}` }, { env, nodeArgs: WITHOUT_FFI })
    const pid = await eventually('flock has started', () =>
      readFile(directory.at('pid'), 'utf8').catch(() => false),
    )
    await child.says(/flock\(1\) has not come back from lock file .*s\.lock for 1 s; gives up after 30 s/)
    process.kill(Number(pid), 'SIGKILL')
    assert.equal((await expectEvent(child, 'failed')).code, 'lock_unavailable')
  })

  it('calls onWait with the notice', async () => {
    await using directory = await tempDirectory()
    await using holder = await lockHolder(directory.at('s.lock'))
    const notice = Promise.withResolvers<string>()
    const starting = greet(directory.at('s'), '', { ...TAKEOVER, onWait: notice.resolve })
    const first = await Promise.race([notice.promise, starting.then(() => 'it started')])
    assert.match(first, /^waiting for lock file /)
    await holder[Symbol.asyncDispose]()
    await using listener = await starting
    assert.ok(listener.identity)
  })
})

describe('a shutdown that waits for the lock', () => {
  it('names the holder after 1 s', async () => {
    await using directory = await tempDirectory()
    await using child = await startListening({ endpoint: `unix:${directory.at('s')}`, options: TAKEOVER })
    await using holder = await lockHolder(directory.at('s.lock'))
    child.send('close')
    assert.match(await child.says(/\n/), /^waiting for lock file .*, held by process \d+ \(perl\)/)
    await holder[Symbol.asyncDispose]()
    assert.equal(await child.ended(), 0)
  })
})
