import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { formatIdentity } from '../bind/identity.ts'
import { Failure } from '../failure/failure.ts'
import { identityAt, tempDirectory } from '../testing/files.ts'
import { greet, rejection } from '../testing/listeners.ts'
import { lockHolder, replacer, startListening } from '../testing/server-processes.ts'
import { eventually } from '../testing/waiting.ts'

const STARTS = 40

describe('a start that waits for the lock', () => {
  it('and whose lock file is removed, takes the lock of the file that stands at the path', async () => {
    await using directory = await tempDirectory()
    const holder = await lockHolder(directory.at('s.lock'))
    const inode = statSync(directory.at('s.lock')).ino
    const starting = greet(directory.at('s'), 'ok', { onConflict: 'takeover' })
    await eventually('the start waits for the lock', () => isAwaited(inode))
    await unlink(directory.at('s.lock'))
    await holder[Symbol.asyncDispose]()
    await using _listener = await starting
    assert.equal(existsSync(directory.at('s.lock')), true)
  })

  it('that is held for ever, is refused and changes nothing', async () => {
    await using directory = await tempDirectory()
    await using _holder = await lockHolder(directory.at('s.lock'))
    const failure = await rejection(greet(directory.at('s'), ''))
    assert.equal(failure.code, 'in_use')
    assert.equal(existsSync(directory.at('s')), false)
  })
})

describe('a shutdown while another holds the lock', () => {
  it('waits for it before it removes the socket', async () => {
    await using directory = await tempDirectory()
    const listener = await greet(directory.at('s'), 'ok', { onConflict: 'takeover' })
    const holder = await lockHolder(directory.at('s.lock'))
    const ending = listener.close()
    await eventually('the shutdown waits for the lock', () => isAwaited(statSync(directory.at('s.lock')).ino))
    assert.equal(existsSync(directory.at('s')), true)
    await holder[Symbol.asyncDispose]()
    await ending
    assert.equal(existsSync(directory.at('s')), false)
  })
})

describe('a start while a stranger replaces the path in a loop', () => {
  it('owns a socket of its own or is refused, and never owns the socket of the stranger', async () => {
    await using directory = await tempDirectory()
    await (await startListening({ endpoint: `unix:${directory.at('stale')}` })).crash()
    const stranger = await identityAt(directory.at('stale'))
    await using _replacer = await replacer(directory.at('stale'), directory.at('s'))
    for (let n = 0; n < STARTS; n++) {
      const outcome = await greet(directory.at('s'), '', { watch: false }).catch((error) => error)
      if (outcome instanceof Failure) assert.equal(outcome.code, 'in_use')
      else {
        assert.notEqual(outcome.identity && formatIdentity(outcome.identity), stranger)
        await outcome.close()
      }
    }
  })
})

/** Whether a process waits for the lock of this file (proc_locks(5): `->` marks a waiter). */
function isAwaited(inode: number): boolean {
  const locks = readFileSync('/proc/locks', 'utf8').split('\n')
  return locks.some((line) => line.includes('->') && line.includes(`:${inode} `))
}
