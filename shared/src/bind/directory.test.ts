import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ownerHint } from './directory.ts'

describe('the hint of a directory that its server may not write to', () => {
  it('names the uid of the server', () => {
    assert.equal(
      ownerHint('/run/app/api', 10_001, undefined),
      "set uid=10001,mode=2750 in the volume's driver_opts, or chown 10001 /run/app/api && chmod u+rwx /run/app/api",
    )
  })

  it('below an engine that remaps ids, names the uid that the volume needs, and why', () => {
    assert.equal(
      ownerHint('/run/app/api', 10_001, { uid: 100_000, gid: 200_000 }),
      "set uid=110001,mode=2750 in the volume's driver_opts, and add 200000 to its gid=: this engine moves ids by 100000 (userns-remap), but not those of volumes; or set userns_mode: host for this service",
    )
  })
})
