import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { requireRoot } from '@uds-sidecar/shared/testing/users'
import { runClient } from '../src/testing/run-client.ts'

requireRoot()

describe('a user without an entry in /etc/passwd and without HOME', () => {
  it('can use the client, which then has no compile cache', async () => {
    const { exitCode, stdout, stderr } = await runClient(['--version'], { uid: 54_321, gid: 54_321, env: {} })
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.match(stdout, /^client /)
  })
})
