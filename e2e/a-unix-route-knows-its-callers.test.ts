// Two users connect to one Unix socket of the sidecar. The kernel tells who each of them is: /routes, the metric and the
// log show both uids, and neither of them can say that it is somebody else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY, SIDECAR_OPS, startAppAlone, untilReady } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import { image } from './support/engine.ts'
import { OwnContainer, socketVolume, startProbe } from './support/own-container.ts'

const GROUP = 10_400
const ALICE = 20_001
const BOB = 20_002
const SOCKET = 'unix:/run/out/api.sock'

test('a Unix route knows its callers', async (t) => {
  await using appVolume = await socketVolume()
  await using outVolume = await socketVolume({ uid: 10_002, gid: GROUP })
  await using app = await startAppAlone(t, { mounts: [`${appVolume.name}:/run/app`] })
  await untilReady(app)
  await using sidecar = await OwnContainer.start(t, {
    image: image('sidecar'),
    user: '10002:10002',
    groups: [10_200],
    mounts: [`${appVolume.name}:/run/app:ro`, `${outVolume.name}:/run/out`],
    env: {
      SIDECAR_LISTEN: SOCKET,
      SIDECAR_UPSTREAM: 'unix:/run/app/api.sock',
      SIDECAR_ALLOW: 'GET /-/healthy',
      SIDECAR_OPS,
    },
  })
  const caller = (uid: number, groups: number[]) =>
    startProbe(t, { user: `${uid}:${uid}`, groups, mounts: [`${outVolume.name}:/run/out:ro`] })
  await using alice = await caller(ALICE, [GROUP])
  await using bob = await caller(BOB, [GROUP])
  await using stranger = await caller(BOB + 1, [])
  const read = (path: string) => sidecar.inside(readFromOps, path)

  await t.test('who is in its group is served', async () => {
    await eventuallyPasses(async () => assert.equal(await getFrom(alice, SOCKET, '/-/healthy'), HEALTHY))
    assert.equal(await getFrom(bob, SOCKET, '/-/healthy'), HEALTHY)
    assert.equal(await getFrom(bob, SOCKET, '/-/healthy'), HEALTHY)
  })

  await t.test('who is not in its group is not', async () => {
    assert.equal(await getFrom(stranger, SOCKET, '/-/healthy'), 'socket_denied (EACCES)')
  })

  await t.test('/routes shows both users', async () => {
    const { routes } = JSON.parse(await read('/routes'))
    assert.deepEqual(routes[0].connectionsByUid, { [ALICE]: 1, [BOB]: 2 })
  })

  await t.test('the metric does too', async () => {
    const metrics = await read('/metrics')
    for (const [uid, count] of [
      [ALICE, 1],
      [BOB, 2],
    ])
      assert.match(
        metrics,
        new RegExp(`^sidecar_connections_by_uid_total\\{route="main",uid="${uid}"\\} ${count}$`, 'm'),
      )
  })

  await t.test('the log names each user once', async () => {
    const lines = (await sidecar.log()).split('\n').filter((line) => line.includes('first connection'))
    assert.deepEqual(
      lines.map((line) => /"uid":"(\d+)"/.exec(line)?.[1]),
      [`${ALICE}`, `${BOB}`],
    )
  })
})

async function readFromOps(path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:9901${path}`)
  return await response.text()
}
