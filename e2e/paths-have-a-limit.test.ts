// A socket path, including the one that it is staged at, has at most 107 bytes. Up to that length the app serves and
// others can dial it; with a longer one the app says so before it binds anything.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY, runAppToEnd, startAppAlone } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import { modesOf } from './support/files.ts'
import { socketVolume } from './support/own-container.ts'
import { runDirectory } from './support/run.ts'

const LIMIT = 107

/** A path of exactly so many bytes in the directory; `letter` may have two bytes. */
function pathOf(bytes: number, directory = '/run/app', letter = 'x'): string {
  const missing = bytes - directory.length - 1
  const letters = Math.floor(missing / Buffer.byteLength(letter))
  return `${directory}/${letter.repeat(letters)}`.padEnd(
    bytes - letters * (Buffer.byteLength(letter) - 1),
    'x',
  )
}

for (const [what, path] of [
  [`${LIMIT} bytes`, pathOf(LIMIT)],
  [`${LIMIT} bytes in 58 characters`, pathOf(LIMIT, '/run/app', 'é')],
] as const) {
  test(`a path of ${what} is served`, async (t) => {
    assert.equal(Buffer.byteLength(path), LIMIT)
    await using volume = await socketVolume()
    await using app = await startAppAlone(t, {
      mounts: [`${volume.name}:/run/app`],
      env: { APP_API: `unix:${path}` },
    })
    await eventuallyPasses(async () =>
      assert.equal(await getFrom(app, `unix:${path}`, '/-/healthy'), HEALTHY),
    )
    assert.deepEqual(await modesOf(app, [path]), ['socket 0660 10001:10200'])
  })
}

for (const [what, path, message] of [
  ['108 bytes', pathOf(108), /has 108 bytes and may have 107/],
  ['109 bytes', pathOf(109), /has 109 bytes and may have 107/],
  ['108 bytes in 59 characters', pathOf(108, '/run/app', 'é'), /has 108 bytes and may have 107/],
  ['109 bytes in 59 characters', pathOf(109, '/run/app', 'é'), /has 109 bytes and may have 107/],
] as const) {
  test(`a path of ${what} is refused with 78`, async () => {
    const { exitCode, stderr } = await runAppToEnd({ env: { APP_API: `unix:${path}` } })
    assert.equal(exitCode, 78)
    assert.match(stderr, message)
  })
}

test('a path that is short enough in a directory that leaves no room to stage is refused', async () => {
  const directory = pathOf(100)
  await using volume = await socketVolume()
  const { exitCode, stderr } = await runAppToEnd({
    mounts: [`${volume.name}:${directory}`],
    env: { APP_METRICS: `unix:${directory}/m.sock` },
  })
  assert.equal(exitCode, 78)
  assert.match(stderr, /^app: path_too_long: staging path .* has 113 bytes and may have 107/)
})

for (const [what, path] of [
  ['108 bytes', pathOf(108, '/tmp')],
  ['108 bytes in 57 characters', pathOf(108, '/tmp', 'é')],
] as const) {
  test(`curl refuses a path of ${what}`, async () => {
    const dialling = promisify(execFile)('curl', ['-sS', '--unix-socket', path, 'http://localhost/'])
    await assert.rejects(dialling, { code: 6, stderr: /^curl: \(6\) Unix socket path too long/ })
  })
}

test('curl dials a path of 107 bytes', async () => {
  await using directory = await runDirectory()
  const path = pathOf(LIMIT, directory.path)
  const server = createServer((_request, response) => response.end('from afar'))
  await using _listener = await listen(server, { kind: 'unix', path })
  const { stdout } = await promisify(execFile)('curl', [
    '--silent',
    '--unix-socket',
    path,
    'http://localhost/',
  ])
  assert.equal(stdout, 'from afar')
})
