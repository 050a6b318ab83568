import assert from 'node:assert/strict'
import { lstat } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { dial } from '../dial/dial.ts'
import { tempDirectory } from '../testing/files.ts'
import { rejection } from '../testing/listeners.ts'
import { lateServer, startListening } from '../testing/server-processes.ts'
import { refuseLiveOwner } from './incumbent.ts'

const LONG_MS = 2_000

describe('the check whether a socket is stale', () => {
  it('waits for a server that has bound and does not listen yet, and finds it live', async () => {
    await using directory = await tempDirectory()
    await using server = await lateServer(directory.at('s'))
    const verdict = rejection(refuseLiveOwner(directory.at('s'), LONG_MS))
    await lstat(directory.at('s'))
    for (let n = 0; n < 3; n++)
      assert.equal((await rejection(dial({ kind: 'unix', path: directory.at('s') }))).code, 'socket_stale')
    server.signal('SIGUSR1') // the first look is over, as ours are
    assert.equal((await verdict).code, 'in_use')
  })

  it('finds the socket of a crashed server stale', async () => {
    await using directory = await tempDirectory()
    await (await startListening({ endpoint: `unix:${directory.at('s')}` })).crash()
    assert.equal(await refuseLiveOwner(directory.at('s')), undefined)
  })
})
