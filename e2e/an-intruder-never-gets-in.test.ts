// An intruder connects again and again to the 0600 admin socket, and to its staged file, while the app starts 50 times.
// It never gets in: the socket never has a wider mode, although the app's umask would give it one. Each start stops
// before the socket gets its mode, before it is published, and after that, until the intruder has tried.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APP_ENV } from './support/app-alone.ts'
import { image } from './support/engine.ts'
import { nodeCommand, nodeImport } from './support/inside.ts'
import { DONE, intrude, PROGRESS, UNTIL_TRIED } from './support/intruder.ts'
import { OwnContainer, socketVolume, startProbe } from './support/own-container.ts'

const STARTS = 50
/** Steps of each start at which the socket exists and is not published: before its chmod, and before its rename. */
const STEPS = 2

test(`an intruder never gets in during ${STARTS} starts`, async (t) => {
  await using volume = await socketVolume()
  await using progress = await socketVolume({ uid: 10_003, gid: 10_003, mode: '0755' })
  await using intruder = await startProbe(t, {
    user: '10003:10003',
    groups: [10_200], // it may enter the directory: the mode of the socket alone keeps it out
    mounts: [`${volume.name}:/run/app:ro`, `${progress.name}:${PROGRESS}`],
  })
  const intrusion = intrude(intruder, '/run/app/admin.sock')
  await using starter = await OwnContainer.start(t, {
    image: image('app'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`, `${progress.name}:${PROGRESS}:ro`],
    env: APP_ENV,
    entrypoint: nodeCommand(
      startAgainAndAgain,
      STARTS,
      `/run/app/${DONE}`,
      nodeImport(stopAtEachStep, UNTIL_TRIED),
      UNTIL_TRIED,
    ),
  })

  // First the starter: if it fails, nobody tells the intruder to end.
  assert.equal((await starter.container.wait()).StatusCode, 0)
  const { attempts, whileStaged, sockets, gotIn, keptOutBy } = await intrusion
  t.diagnostic(
    `${attempts} attempts, ${whileStaged} of them at what was being prepared; ${sockets} sockets met`,
  )
  assert(attempts > STARTS * 10, `${attempts} attempts are too few to mean something`)
  assert(whileStaged >= STARTS * STEPS, 'what is being prepared was met at each step of each start')
  assert.equal(sockets, STARTS, 'the socket of each start was met')
  assert.equal(gotIn, 0)
  assert.deepEqual(keptOutBy, ['EACCES', 'ENOENT'])
})

/**
 * Half of the starts end with SIGKILL and leave a stale socket, half end with SIGTERM. With this umask a socket that is
 * bound at its final path, and gets its mode after that, would be open to everybody until then.
 */
async function startAgainAndAgain(
  starts: number,
  done: string,
  stopAtEachStep: string,
  intruder: string,
): Promise<void> {
  const { untilTried } = await import(intruder)
  const { spawn } = await import('node:child_process')
  const { once } = await import('node:events')
  const { writeFile } = await import('node:fs/promises')
  const { createInterface } = await import('node:readline')
  process.umask(0)
  try {
    for (let start = 0; start < starts; start++) {
      const app = spawn('node', [stopAtEachStep, 'bundle/main.mjs'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(app, 'exit')
      for await (const line of createInterface(app.stdout)) {
        if (!line.includes('"msg":"ready"')) continue
        await untilTried()
        app.kill(start % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
      }
      const [code, signal] = await ended
      if (code !== 0 && signal !== 'SIGKILL') throw new Error(`start ${start} ended with ${code ?? signal}`)
    }
  } finally {
    await writeFile(done, '')
  }
}

/** Runs in the app before its own code: each step of the admin socket waits until the intruder has tried. */
async function stopAtEachStep(intruder: string): Promise<void> {
  const { default: fs } = await import('node:fs')
  const { syncBuiltinESMExports } = await import('node:module')
  const { untilTried } = await import(intruder)
  const { chmod, rename } = fs.promises
  fs.promises.chmod = async (path, mode) => {
    if (mode === 0o600) await untilTried()
    await chmod(path, mode)
  }
  fs.promises.rename = async (from, to) => {
    if (String(to).endsWith('/admin.sock')) await untilTried()
    await rename(from, to)
  }
  syncBuiltinESMExports()
}
