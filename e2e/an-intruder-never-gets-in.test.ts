// An intruder that hammers at the 0600 admin socket, and at what is being prepared beside it, while the app starts 50
// times never gets in: there is no moment at which the socket has a wider mode, though the app's umask would give it one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APP_ENV } from './support/app-alone.ts'
import { image } from './support/images.ts'
import { nodeCommand } from './support/inside.ts'
import { DONE, intrude } from './support/intruder.ts'
import { OwnContainer } from './support/own-container.ts'
import { startProbe } from './support/probe.ts'
import { socketVolume } from './support/socket-volume.ts'

const STARTS = 50

test(`an intruder never gets in during ${STARTS} starts`, async (t) => {
  await using volume = await socketVolume()
  await using intruder = await startProbe(t, {
    user: '10003:10003',
    groups: [10_200], // it may enter the directory: the mode of the socket alone keeps it out
    mounts: [`${volume.name}:/run/app:ro`],
  })
  const intrusion = intrude(intruder, '/run/app/admin.sock')
  await using starter = await OwnContainer.start(t, {
    image: image('app'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`],
    env: APP_ENV,
    entrypoint: nodeCommand(startAgainAndAgain, STARTS, `/run/app/${DONE}`),
  })

  const { attempts, whileStaged, sockets, gotIn, keptOutBy } = await intrusion
  assert.equal((await starter.container.wait()).StatusCode, 0)
  t.diagnostic(
    `${attempts} attempts, ${whileStaged} of them at what was being prepared; ${sockets} sockets met`,
  )
  assert(attempts > STARTS * 10, `${attempts} attempts are too few to mean something`)
  assert(whileStaged > 0, 'what is being prepared was never met')
  assert(sockets >= STARTS / 2, 'at least each socket that a SIGKILL left behind was met')
  assert.equal(gotIn, 0)
  assert.deepEqual(keptOutBy, ['EACCES', 'ENOENT'])
})

/**
 * Half of the starts end with SIGKILL and leave a stale socket to the next, half with SIGTERM. With this umask a socket
 * that is listened on where it is to be, and gets its mode after that, is open to everybody until then.
 */
async function startAgainAndAgain(starts: number, done: string): Promise<void> {
  const { spawn } = await import('node:child_process')
  const { once } = await import('node:events')
  const { writeFile } = await import('node:fs/promises')
  const { createInterface } = await import('node:readline')
  process.umask(0)
  try {
    for (let start = 0; start < starts; start++) {
      const app = spawn('node', ['bundle/main.mjs'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(app, 'exit')
      for await (const line of createInterface(app.stdout)) {
        if (line.includes('"msg":"ready"')) app.kill(start % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
      }
      const [code, signal] = await ended
      if (code !== 0 && signal !== 'SIGKILL') throw new Error(`start ${start} ended with ${code ?? signal}`)
    }
  } finally {
    await writeFile(done, '')
  }
}
