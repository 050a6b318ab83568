import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { request } from '../http/request.ts'
import { identityAt, modeOf, namesIn, tempDirectory } from '../testing/files.ts'
import { greet, greetHttp, readAll, rejection } from '../testing/listeners.ts'
import { eventually } from '../testing/waiting.ts'
import { listen } from './listen.ts'

for (const onConflict of ['refuse', 'takeover'] as const)
  describe(`a listener with onConflict ${onConflict} whose socket gets other rights`, () => {
    it('has a new socket with them at its path, and goes on serving', async () => {
      await using directory = await tempDirectory()
      await using listener = await greet(directory.at('s'), 'ok', { mode: 0o600, onConflict })
      const before = await identityAt(directory.at('s'))
      for (const mode of [0o660, 0o600, 0o666]) {
        await listener.rebind({ mode, group: undefined, onConflict })
        assert.equal(await modeOf(directory.at('s')), mode)
        assert.equal(await readAll(listener.endpoint), 'ok')
      }
      assert.notEqual(await identityAt(directory.at('s')), before)
      assert.deepEqual(await namesIn(directory.path), ['s', 's.lock'])
    })

    it('fails no request while its rights change again and again', async () => {
      await using directory = await tempDirectory()
      await using listener = await greetHttp(directory.at('s'), 'ok', { onConflict })
      let served = 0
      let isOver = false
      const clients = Array.from({ length: 4 }, async () => {
        while (!isOver) {
          assert.equal(String((await request(listener.endpoint)).body), 'ok')
          served += 1
        }
      })
      for (let round = 0; round < 20; round++) {
        const before = served
        await listener.rebind({ mode: round % 2 === 0 ? 0o600 : 0o660, group: undefined, onConflict })
        await eventually('requests after the change', () => served > before)
      }
      isOver = true
      await Promise.all(clients)
      assert.deepEqual(await listener.close(), { reason: 'closed', cut: 0 })
      assert.deepEqual(await namesIn(directory.path), ['s.lock'])
    })
  })

describe('rights that a socket cannot get', () => {
  it('leave the old socket as it is', async () => {
    await using directory = await tempDirectory()
    await using listener = await greet(directory.at('s'), 'ok', { mode: 0o600 })
    const before = await identityAt(directory.at('s'))
    const failure = await rejection(listener.rebind({ mode: 0o066, group: undefined, onConflict: 'refuse' }))
    assert.equal(failure.code, 'bad_option')
    assert.equal(await identityAt(directory.at('s')), before)
    assert.equal(await readAll(listener.endpoint), 'ok')
  })

  it('are refused for a listener without a socket file', async () => {
    await using listener = await listen(createServer(), { kind: 'tcp', host: '127.0.0.1', port: 0 })
    const failure = await rejection(listener.rebind({ mode: 0o600, group: undefined, onConflict: 'refuse' }))
    assert.equal(failure.code, 'bad_option')
  })
})

describe('a listener that may be taken over', () => {
  it('refuses the next starter once its rights say so, and lets it take over when they say that', async () => {
    await using directory = await tempDirectory()
    await using listener = await greet(directory.at('s'), 'old', { onConflict: 'takeover' })
    await listener.rebind({ mode: 0o660, group: undefined, onConflict: 'refuse' })
    const failure = await rejection(greet(directory.at('s'), 'new', { onConflict: 'refuse' }))
    assert.equal(failure.code, 'in_use')
    await listener.rebind({ mode: 0o660, group: undefined, onConflict: 'takeover' })
    await using _next = await greet(directory.at('s'), 'new', { onConflict: 'takeover' })
    assert.equal(await readAll(listener.endpoint), 'new')
    assert.equal((await listener.closed).reason, 'replaced')
  })
})
