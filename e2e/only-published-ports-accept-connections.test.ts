// From the edge network nobody can reach the app or Redis, which have no name there. Of the sidecar the five published
// ports accept connections, and no other of the 65535.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialFrom } from './support/connections.ts'
import type { Insider } from './support/inside.ts'
import { startProbe } from './support/own-container.ts'
import { sharedStack } from './support/stack.ts'

test('only published ports accept connections', async (t) => {
  const stack = await sharedStack(t)
  await using neighbour = await startProbe(t, { user: '20000:20000', network: `${stack.compose.name}_edge` })

  for (const name of ['app', 'redis']) {
    await t.test(`${name} has no name there`, async () => {
      assert.equal(await dialFrom(neighbour, `tcp://${name}:8080`), 'host_unknown (ENOTFOUND)')
    })
  }

  await t.test('the sidecar accepts connections on what it publishes and nowhere else', async () => {
    assert.deepEqual(await openPorts(neighbour, 'sidecar'), [7070, 8080, 8443, 9464, 9901])
  })
})

/** Connects to every TCP port. */
function openPorts(from: Insider, host: string): Promise<number[]> {
  return from.inside(async (host) => {
    const { lookup } = await import('node:dns/promises')
    const { connect } = await import('node:net')
    const { address } = await lookup(host)
    const open: number[] = []
    const tryPort = (port: number) =>
      new Promise<void>((resolve) => {
        const socket = connect(port, address, () => {
          open.push(port)
          socket.destroy()
        })
        socket.on('error', () => socket.destroy()).on('close', () => resolve())
      })
    for (let first = 1; first <= 65_535; first += 512)
      await Promise.all(Array.from({ length: Math.min(512, 65_536 - first) }, (_, i) => tryPort(first + i)))
    return open.sort((a, b) => a - b)
  }, host)
}
