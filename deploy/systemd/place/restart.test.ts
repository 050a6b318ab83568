/**
 * systemd holds the sockets while a service restarts: connections wait in the backlog, and none fails.
 * `make systemd` runs this.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Count } from '../../support/load-main.ts'
import { APP, Machine, SIDECAR, TCP, UNIX } from './machine.ts'

/** Lets a unit start as often as a test wants: by default systemd allows five starts in ten seconds. */
async function startAnyNumberOfTimes(machine: Machine, unit: string): Promise<void> {
  await machine.dropIn(unit, 'starts', '[Unit]\nStartLimitIntervalSec=0\n')
}

/** For the report. */
function figures(counts: ReadonlyMap<string, Count>): string {
  const each = [...counts].map(
    ([endpoint, { ok, slowestMs }]) => `${endpoint} ${ok}, slowest ${slowestMs} ms`,
  )
  return `requests, none failed: ${each.join('; ')}`
}

describe('systemctl restart', () => {
  it('of the sidecar loses no request on a TCP and on a Unix route, and leaves the socket files', async (t) => {
    await using machine = await Machine.start()
    const files = await machine.socketFiles()
    await startAnyNumberOfTimes(machine, SIDECAR)
    const load = machine.load(8, TCP, UNIX)
    const pids = new Set([await machine.property(SIDECAR, 'MainPID')])
    for (let restarts = 0; restarts < 5; restarts++) {
      await load.more(50)
      await machine.run('systemctl', 'restart', SIDECAR)
      assert.ok(await machine.isIn(SIDECAR, 'active', 'running'))
      pids.add(await machine.property(SIDECAR, 'MainPID'))
    }
    await load.more(50)
    t.diagnostic(figures(await load.end()))
    assert.equal(pids.size, 6)
    assert.equal(await machine.socketFiles(), files)
  })

  it('of the app loses no request, directly and through the sidecar', async (t) => {
    await using machine = await Machine.start()
    const files = await machine.socketFiles()
    await startAnyNumberOfTimes(machine, APP)
    const load = machine.load(4, TCP, UNIX, 'unix:/run/uds/api/api.sock')
    const pids = new Set([await machine.property(APP, 'MainPID')])
    for (let restarts = 0; restarts < 3; restarts++) {
      await load.more(50)
      await machine.run('systemctl', 'restart', APP)
      pids.add(await machine.property(APP, 'MainPID'))
    }
    await load.more(50)
    t.diagnostic(figures(await load.end()))
    assert.equal(pids.size, 4)
    assert.equal(await machine.socketFiles(), files)
  })
})

describe('SIGKILL', () => {
  it('of the app loses no GET through the sidecar, which sends those again that were on the wire', async (t) => {
    await using machine = await Machine.start()
    const files = await machine.socketFiles()
    await startAnyNumberOfTimes(machine, APP)
    const load = machine.load(4, TCP, UNIX)
    const pids = new Set([await machine.property(APP, 'MainPID')])
    for (let kills = 0; kills < 3; kills++) {
      await load.more(50)
      await machine.run('systemctl', 'kill', '--signal=SIGKILL', APP)
      await load.more(50)
      pids.add(await machine.property(APP, 'MainPID'))
    }
    t.diagnostic(figures(await load.end()))
    assert.equal(pids.size, 4)
    assert.equal(await machine.socketFiles(), files)
  })
})
