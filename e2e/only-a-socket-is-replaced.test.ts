// When something that is not a socket stands at the path, the app exits with 73 and leaves it exactly as it was: only a
// socket can be a stale socket.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runAppToEnd } from './support/app-alone.ts'
import { image } from './support/engine.ts'
import { listingOf } from './support/files.ts'
import type { Insider } from './support/inside.ts'
import { runToEnd, socketVolume, startProbe } from './support/own-container.ts'

const PATH = '/run/app/api.sock'

const KINDS = ['regular file', 'directory', 'fifo', 'symlink to a socket', 'symlink to nothing'] as const

for (const [index, kind] of KINDS.entries()) {
  // Not even an app that may take over replaces it.
  const APP_ON_CONFLICT = index % 2 === 0 ? 'refuse' : 'takeover'

  test(`a ${kind} at the path is left alone, with 73 (${APP_ON_CONFLICT})`, async (t) => {
    await using volume = await socketVolume()
    const mounts = [`${volume.name}:/run/app`]
    await using probe = await startProbe(t, { user: '10001:10001', mounts })
    if (kind === 'fifo') await makeFifo(mounts, PATH)
    else await make(probe, kind, PATH)
    const before = await lookAt(probe, PATH)

    const { exitCode, stderr } = await runAppToEnd({ mounts, env: { APP_ON_CONFLICT } })

    assert.equal(exitCode, 73)
    const [word] = kind.split(' to ')
    assert.match(stderr, new RegExp(`^app: path_occupied: a ${word} stands at ${PATH}; it is left as it is`))
    assert.deepEqual(await lookAt(probe, PATH), before)
    const sockets = (await listingOf(probe, '/run/app')).filter((name) => name.endsWith('.sock'))
    assert.deepEqual(sockets, kind === 'symlink to a socket' ? ['api.sock', 'target.sock'] : ['api.sock'])
  })
}

/** All that lstat says of the file, and of what it points to: every change of these changes at least ctime. */
function lookAt(probe: Insider, path: string): Promise<Record<string, string>[]> {
  return probe.inside(async (path) => {
    const { lstat, realpath } = await import('node:fs/promises')
    const target = await realpath(path).catch(() => path)
    const looks = [path, target].map(async (each) => {
      const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs } = await lstat(each, { bigint: true })
      const seen = { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs }
      return Object.fromEntries(Object.entries(seen).map(([what, value]) => [what, String(value)]))
    })
    return Promise.all(looks)
  }, path)
}

function make(probe: Insider, kind: (typeof KINDS)[number], path: string): Promise<void> {
  return probe.inside(
    async (kind, path) => {
      const { mkdirSync, symlinkSync, writeFileSync } = await import('node:fs')
      const { createServer } = await import('node:net')
      if (kind === 'regular file') writeFileSync(path, 'precious')
      if (kind === 'directory') mkdirSync(path)
      if (kind === 'symlink to nothing') symlinkSync('nothing', path)
      if (kind !== 'symlink to a socket') return
      createServer().listen('/run/app/target.sock', () => process.exit())
      symlinkSync('target.sock', path)
    },
    kind,
    path,
  )
}

/** In the image of Redis, which has mkfifo(1); Node cannot make one. */
async function makeFifo(mounts: readonly string[], path: string): Promise<void> {
  const fifo = { image: image('redis'), user: '10001:10001', mounts, entrypoint: ['mkfifo', path] }
  const { exitCode, stderr } = await runToEnd(fifo)
  assert.equal(exitCode, 0, stderr)
}
