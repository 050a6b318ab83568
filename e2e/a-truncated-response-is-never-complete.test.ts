// When an upstream is killed in the middle of a body, the sidecar destroys the client's connection. The client can
// never take the part for the whole body, whether the body has a length or is chunked.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { SIDECAR, SIDECAR_OPS, startSidecarAlone } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import { image } from './support/engine.ts'
import { nodeCommand } from './support/inside.ts'
import { OwnContainer, type SocketVolume, socketVolume } from './support/own-container.ts'

const PATH = '/run/app/half.sock'
const SIGKILLED = 137
const CUT = /^upstream_truncated /

const FRAMINGS = [
  { what: 'with a length', head: 'content-length: 1000', part: 'x'.repeat(500) },
  { what: 'in chunks', head: 'transfer-encoding: chunked', part: `1f4\r\n${'x'.repeat(500)}\r\n` },
]

for (const { what, head, part } of FRAMINGS) {
  test(`a truncated body ${what} is never complete`, async (t) => {
    await using volume = await socketVolume()
    await using upstream = await startHalfServer(t, volume, head, part)
    await using sidecar = await startSidecarAlone(t, volume, PATH)
    await eventuallyPasses(async () => assert.match(await getFrom(sidecar, SIDECAR_OPS, '/-/ready'), /^200 /))

    assert.match(await getFrom(sidecar, SIDECAR, '/metrics'), CUT)

    assert.equal((await upstream.container.wait()).StatusCode, SIGKILLED)
    const metrics = await getFrom(sidecar, SIDECAR_OPS, '/metrics')
    assert.match(metrics, /^sidecar_upstream_errors_total{.*reason="upstream_truncated".*} 1$/m)
  })
}

/** Sends the head and a part of the body, and is killed before the rest. */
function startHalfServer(
  t: TestContext,
  volume: SocketVolume,
  head: string,
  part: string,
): Promise<OwnContainer> {
  return OwnContainer.start(t, {
    image: image('client'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`],
    entrypoint: nodeCommand(respondWithHalf, PATH, `HTTP/1.1 200 OK\r\n${head}\r\n\r\n${part}`),
  })
}

async function respondWithHalf(path: string, response: string): Promise<void> {
  const { createServer } = await import('node:net')
  process.umask(0o117)
  createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.write(response, () => process.kill(process.pid, 'SIGKILL')))
  }).listen(path)
}
