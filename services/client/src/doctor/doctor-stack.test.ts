import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { callClient } from '../testing/call-client.ts'
import { runClient } from '../testing/run-client.ts'
import { startSmallStack } from '../testing/small-stack.ts'

describe('doctor without an endpoint', () => {
  it('reports a working stack in one line per endpoint', async () => {
    await using stack = await startSmallStack()
    const { exitCode, stdout } = await callClient(['doctor'], { env: stack.env })
    assert.equal(exitCode, 0)
    assert.equal(stdout.match(/^✓ \S+: live/gm)?.length, 8)
    assert.match(stdout, /^8 live, 0 denied by design, 0 with a finding$/m)
  })

  it('exits with the code of the first finding, and shows all endpoints', async () => {
    await using stack = await startSmallStack()
    await rm(`${stack.directory}/echo.sock`)
    const { exitCode, stdout } = await callClient(['doctor'], { env: stack.env })
    assert.equal(exitCode, 69)
    assert.match(stdout, /socket_missing: \S+echo.sock does not exist; in the same directory: /)
    assert.match(stdout, /run +docker compose up -d app/)
    assert.match(stdout, /^7 live, 0 denied by design, 1 with a finding$/m)
  })

  it('accepts a denied admin or metrics socket, unless it was asked for', async () => {
    await using stack = await startSmallStack()
    const root = process.getuid?.() === 0
    const nobody = root ? { uid: 65_534, gid: 65_534 } : {}
    const { stdout } = await runClient(['doctor', '--json'], { env: stack.env, ...nobody })
    const verdicts = JSON.parse(stdout).diagnoses.map(({ verdict }: { verdict: string }) => verdict)
    const denied = root ? 'denied_by_design' : 'live'
    assert.deepEqual([verdicts[2], verdicts[3]], [denied, denied])
    const asked = await runClient(['doctor', stack.env.CLIENT_ADMIN ?? ''], { env: stack.env, ...nobody })
    assert.equal(asked.exitCode, root ? 77 : 0)
  })
})
