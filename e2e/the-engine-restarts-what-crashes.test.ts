// What `restart: unless-stopped` and `init: true` do: the engine restarts what crashes, and not what was killed or
// stopped through the engine. Orphans are reaped, and SIGTERM reaches the app with an init and without.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import type { ContainerHandle } from './support/container.ts'
import { startProbe } from './support/own-container.ts'
import { ownStack } from './support/stack.ts'

const SIGKILLED = 137

test('the engine restarts what crashes', async (t) => {
  const stack = await ownStack(t, { services: ['app'] })
  const app = stack.service('app')

  await t.test(
    'the engine restarts an app that crashed, and it serves again over its stale sockets',
    async () => {
      await app.crash()
      await eventuallyPasses(async () => {
        assert.equal((await app.inspect()).RestartCount, 1)
        assert.equal(await healthOf(app), HEALTHY)
      })
    },
  )

  await t.test('it does not restart what docker kill ended', async () => {
    await app.kill()
    assert.deepEqual(await stateOf(app), { running: false, exitCode: SIGKILLED, restarts: 1 })
  })

  await t.test(
    'it does not restart what docker stop ended, and the app exits with 0, because its init forwards SIGTERM',
    async () => {
      await app.start()
      await eventuallyPasses(async () => assert.equal(await healthOf(app), HEALTHY))
      assert.equal(await app.stop(), 0)
      assert.deepEqual(await stateOf(app), { running: false, exitCode: 0, restarts: 0 })
    },
  )
})

test('an init reaps orphans, and the app ends on SIGTERM also without one', async (t) => {
  const stack = await ownStack(t, { services: ['app'], overlays: ['no-init'] })
  const app = stack.service('app')
  await using withInit = await startProbe(t, {})

  await t.test('with an init an orphan is reaped; without, it stays as a zombie', async () => {
    const [reaped, left] = [await leaveAnOrphan(withInit), await leaveAnOrphan(app)]
    await eventuallyPasses(async () => assert.equal(await stateIn(app, left), 'Z'))
    await eventuallyPasses(async () => assert.equal(await stateIn(withInit, reaped), 'gone'))
  })

  await t.test(
    'without an init the app exits with 0 and not with 137, for it handles the signal',
    async () => {
      assert.equal(await app.stop(), 0)
    },
  )
})

/**
 * Starts a process that outlives its parent for a moment: the kernel makes process 1 its new parent.
 * @returns its pid in the container
 */
function leaveAnOrphan(container: ContainerHandle): Promise<number> {
  return container.inside(async () => {
    const { spawn } = await import('node:child_process')
    const program = ['--eval', 'setTimeout(() => {}, 500)']
    const orphan = spawn(process.execPath, program, { stdio: 'ignore', detached: true })
    orphan.unref()
    if (orphan.pid === undefined) throw new Error('it did not start')
    return orphan.pid
  })
}

/** The state of a process, such as `S` or `Z` (proc_pid_stat(5)), or `gone`. */
function stateIn(container: ContainerHandle, pid: number): Promise<string> {
  return container.inside(async (pid) => {
    const { existsSync, readFileSync } = await import('node:fs')
    if (!existsSync(`/proc/${pid}`)) return 'gone'
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '')[0] ?? ''
  }, pid)
}

function healthOf(app: ContainerHandle): Promise<string> {
  return getFrom(app, 'unix:/run/app/api/api.sock', '/-/healthy')
}

async function stateOf(container: ContainerHandle) {
  const { State, RestartCount } = await container.inspect()
  return { running: State.Running, exitCode: State.ExitCode, restarts: RestartCount }
}
