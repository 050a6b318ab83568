// Why there is a bind protocol: the usual sequence (unlink, listen, chmod), on the same kernel and the same volume,
// shows the failures that the protocol avoids. The socket is stale, stolen, open to everybody for a moment, or in the
// place of another file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { dialFrom, getFrom } from './support/connections.ts'
import { modesOf } from './support/files.ts'
import { startNaiveServer } from './support/foreign-servers.ts'
import { socketVolume, startProbe } from './support/own-container.ts'

const PATH = '/run/app/naive.sock'
const SOCKET = `unix:${PATH}`
const OWNER = '10001:10001'

test('naive: without unlink, a start after a crash fails for ever', async (t) => {
  await using volume = await socketVolume()
  await using first = await startNaiveServer(t, volume, PATH, { name: 'first', unlink: false })
  await using probe = await startProbe(t, { user: OWNER, mounts: [`${volume.name}:/run/app`] })
  await eventuallyPasses(async () => assert.equal(await getFrom(probe, SOCKET, '/'), '200 first'))
  await first.kill()

  await using second = await startNaiveServer(t, volume, PATH, { name: 'second', unlink: false })
  await eventuallyPasses(async () => assert.match(await second.log(), /EADDRINUSE/))
  assert.equal(await dialFrom(probe, SOCKET), 'socket_stale (ECONNREFUSED)')
})

test('naive: a second instance takes the path of a running one, and in the end neither has it', async (t) => {
  await using volume = await socketVolume()
  await using probe = await startProbe(t, { user: OWNER, mounts: [`${volume.name}:/run/app`] })
  await using first = await startNaiveServer(t, volume, PATH, { name: 'first' })
  await eventuallyPasses(async () => assert.equal(await getFrom(probe, SOCKET, '/'), '200 first'))
  await using second = await startNaiveServer(t, volume, PATH, { name: 'second' })
  await eventuallyPasses(async () => assert.equal(await getFrom(probe, SOCKET, '/'), '200 second'))

  await t.test('the first one still runs, and nobody can reach it any more', async () => {
    assert.equal(await first.condition(), 'running')
    await eventuallyPasses(async () => assert.match(await first.log(), /listening/))
  })

  await t.test('when it ends, its close() unlinks the socket of the second (nodejs/node#19729)', async () => {
    assert.equal(await first.stop(), 0)
    assert.equal(await second.condition(), 'running')
    assert.equal(await dialFrom(probe, SOCKET), 'socket_missing (ENOENT)')
  })
})

test('naive: between listen and chmod a stranger gets in, and stays in', async (t) => {
  await using volume = await socketVolume({ mode: '2755' })
  const mounts = [`${volume.name}:/run/app`]
  await using stranger = await startProbe(t, { user: '10003:10003', mounts })
  await using server = await startNaiveServer(t, volume, PATH, { name: 'naive', umask: 0 })
  await eventuallyPasses(async () =>
    assert.deepEqual(await modesOf(stranger, [PATH]), ['socket 0777 10001:10200']),
  )

  assert.equal(await dialFrom(stranger, SOCKET), 'connected')
  const response = getFrom(stranger, SOCKET, '/slow')
  await eventuallyPasses(async () => assert.match(await server.log(), /asked for \/slow/))
  await server.signal('SIGUSR1') // now it comes to its chmod
  await eventuallyPasses(async () =>
    assert.deepEqual(await modesOf(stranger, [PATH]), ['socket 0600 10001:10200']),
  )

  assert.equal(await dialFrom(stranger, SOCKET), 'socket_denied (EACCES)')
  assert.equal(await response, '200 naive', 'permissions are checked once, when a connection is made')
})

test('naive: whatever stands at the path is unlinked', async (t) => {
  await using volume = await socketVolume()
  await using probe = await startProbe(t, { user: OWNER, mounts: [`${volume.name}:/run/app`] })
  await probe.touch(PATH)
  await using _server = await startNaiveServer(t, volume, PATH, { name: 'naive' })
  await eventuallyPasses(async () => assert.equal(await getFrom(probe, SOCKET, '/'), '200 naive'))
  assert.deepEqual(await modesOf(probe, [PATH]), ['socket 0755 10001:10200'])
})
