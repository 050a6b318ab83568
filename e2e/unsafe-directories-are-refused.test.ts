// When the socket could be tampered with in its directory, or could not be published there, the app exits before it
// binds anything, with the exit code, the problem and the hint that are documented.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runAppToEnd } from './support/app-alone.ts'
import { listingOf } from './support/files.ts'
import { socketVolume, startProbe, type VolumeOptions } from './support/own-container.ts'

interface Case {
  readonly what: string
  readonly volume: VolumeOptions
  readonly suffix?: ':ro'
  readonly exitCode: number
  readonly message: RegExp
}

const CASES: Case[] = [
  {
    what: 'a world-writable directory',
    volume: { mode: '2777' },
    exitCode: 78,
    message:
      /^app: directory_unsafe: anybody may replace files in directory \/run\/app \(mode 2777, owner 10001:10200\)\n {2}hint: .*mode=2750/,
  },
  {
    what: 'a directory that root owns',
    volume: { uid: 0, gid: 0, mode: '0755' },
    exitCode: 77,
    message:
      /^app: directory_denied: directory \/run\/app \(mode 0755, owner 0:0\) may not be written to by uid 10001 .*\n {2}hint: set uid=10001,mode=2750/,
  },
  {
    what: 'a read-only mount',
    volume: {},
    suffix: ':ro',
    exitCode: 77,
    message: /^app: directory_denied: directory \/run\/app is on a read-only mount.*\n {2}hint: .*:ro/,
  },
]

for (const { what, volume: options, suffix = '', exitCode, message } of CASES) {
  test(`${what} is refused with ${exitCode}, and nothing is left in it`, async (t) => {
    await using volume = await socketVolume(options)
    const ended = await runAppToEnd({ mounts: [`${volume.name}:/run/app${suffix}`] })
    assert.equal(ended.exitCode, exitCode)
    assert.match(ended.stderr, message)
    await using probe = await startProbe(t, {
      user: '0:0',
      capabilities: ['DAC_OVERRIDE'],
      mounts: [`${volume.name}:/run/app`],
    })
    assert.deepEqual(await listingOf(probe, '/run/app'), [])
  })
}

test(`a directory that does not exist is refused with 78`, async () => {
  const { exitCode, stderr } = await runAppToEnd({})
  assert.equal(exitCode, 78)
  assert.match(
    stderr,
    /^app: directory_missing: directory \/run\/app does not exist \(ENOENT\)\n {2}hint: mount the volume/,
  )
})
