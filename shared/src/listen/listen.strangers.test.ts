import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { formatIdentity } from '../bind/identity.ts'
import { Failure } from '../failure/failure.ts'
import { identityAt, tempDirectory } from '../testing/files.ts'
import { greet, rejection } from '../testing/listeners.ts'
import { lockHolder, replacer, startListening } from '../testing/server-processes.ts'

const STARTS = 40

describe('a start that waits for the lock', () => {
  it('and whose lock file is removed, takes the lock of the file that stands at the path', async () => {
    await using directory = await tempDirectory()
    await using holder = await lockHolder(directory.at('s.lock'))
    const waiting = Promise.withResolvers<string>()
    const starting = greet(directory.at('s'), 'ok', { onConflict: 'takeover', onWait: waiting.resolve })
    await Promise.race([waiting.promise, starting])
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
    const waiting = Promise.withResolvers<string>()
    const options = { onConflict: 'takeover', onWait: waiting.resolve } as const
    const listener = await greet(directory.at('s'), 'ok', options)
    await using holder = await lockHolder(directory.at('s.lock'))
    const ending = listener.close()
    await Promise.race([waiting.promise, ending])
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
