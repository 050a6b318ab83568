/**
 * What systemd knows of the sidecar (`Type=notify-reload`): a start and a reload last until READY=1, and an end that
 * systemd did not ask for is known before the process is gone. `make systemd` runs this.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Background } from '../../support/background.ts'
import { CONFIG, Machine, SIDECAR, TCP, UNIX } from './machine.ts'

const HOLD = '/opt/test/hold.mjs'

/** Runs before the sidecar's first line, and waits there. */
const HOLD_START = `import { readFileSync } from 'node:fs'
readFileSync('/run/hold')`

/** Waits when a reload opens the configuration: after RELOADING=1, before READY=1. */
const HOLD_RELOAD = `import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
const { openSync } = fs
let isReloading = false
process.on('SIGHUP', () => { isReloading = true })
fs.openSync = (path, ...rest) => {
  if (isReloading && path === '${CONFIG}') fs.readFileSync('/run/hold')
  return openSync(path, ...rest)
}
syncBuiltinESMExports()`

/** Makes the sidecar wait at a FIFO, from its next start on. */
async function hold(machine: Machine, code: string): Promise<void> {
  await machine.run('mkfifo', '-m', '0644', '/run/hold')
  await machine.write(HOLD, code)
  await machine.dropIn(SIDECAR, 'hold', `[Service]\nEnvironment=NODE_OPTIONS=--import=${HOLD}\n`)
}

/** Resolves once the sidecar waits. It goes on when the program ends. */
async function untilHeld(machine: Machine): Promise<Background> {
  const holder = machine.background('sh', '-c', 'exec 3>/run/hold; echo held; read _; exec true')
  assert.equal(await holder.line(), 'held')
  return holder
}

describe('systemctl start', () => {
  it('waits for READY=1, and connections wait in the backlog meanwhile', async () => {
    await using machine = await Machine.start()
    await machine.run('systemctl', 'stop', SIDECAR)
    await hold(machine, HOLD_START)
    const load = machine.load(4, TCP, UNIX) // the first connection starts the service
    const start = await untilHeld(machine)
    assert.ok(await machine.isIn(SIDECAR, 'activating', 'start'))
    const waiting = await machine.run('systemctl', 'list-jobs', '--no-legend')
    assert.match(waiting, /uds-sidecar\.service +start +running/)
    const sent = [...(await load.counts()).values()].map(({ ok }) => ok)
    assert.deepEqual(sent, [0, 0])
    await start.end()
    await load.more(20)
    await eventually('the unit to be active', () => machine.isIn(SIDECAR, 'active', 'running'))
    await load.end()
  })
})

describe('systemctl reload', () => {
  it('waits until the new configuration is active, and keeps the process and its sockets', async () => {
    await using machine = await Machine.start()
    await hold(machine, HOLD_RELOAD)
    await machine.run('systemctl', 'restart', SIDECAR)
    const files = await machine.socketFiles()
    const pid = await machine.property(SIDECAR, 'MainPID')
    const text = await machine.run('cat', CONFIG)
    assert.match(await machine.get('/visits', UNIX), /^403 .*path_not_allowed/)
    await machine.write(CONFIG, text.replace(/allow: \[GET \/status\]/, 'allow: [GET /status, GET /visits]'))
    const reload = machine.try('systemctl', 'reload', SIDECAR)
    const held = await untilHeld(machine)
    await eventually('systemd to know of the reload', () =>
      machine.isIn(SIDECAR, 'reloading', 'reload-notify'),
    )
    assert.match(
      await machine.run('systemctl', 'list-jobs', '--no-legend'),
      /uds-sidecar\.service +reload +running/,
    )
    await held.end()
    assert.deepEqual(await reload, { code: 0, output: '' })
    assert.match(await machine.get('/visits', UNIX), /^503 .*dependency_down/) // there is no Redis here
    assert.ok(await machine.isIn(SIDECAR, 'active', 'running'))
    assert.equal(await machine.property(SIDECAR, 'MainPID'), pid)
    assert.equal(await machine.socketFiles(), files)
  })

  it('with a broken configuration ends too; the old one stays active, and the log says why', async () => {
    await using machine = await Machine.start()
    const text = await machine.run('cat', CONFIG)
    const pid = await machine.property(SIDECAR, 'MainPID')
    await machine.write(CONFIG, `${text}\nbogus: 1\n`)
    await machine.run('systemctl', 'reload', SIDECAR)
    assert.ok(await machine.isIn(SIDECAR, 'active', 'running'))
    assert.match(await machine.get('/status', UNIX), /^200 /)
    assert.equal(await machine.property(SIDECAR, 'MainPID'), pid)
    await eventually('the refusal in the journal', async () =>
      /the new configuration is refused, the old one stays active: .*bogus/.test(
        await machine.journal(SIDECAR),
      ),
    )
  })
})

describe('the end of the sidecar', () => {
  it('is told to systemd with STOPPING=1 while a stream drains, and its exit code is 0', async () => {
    await using machine = await Machine.start()
    const text = await machine.run('cat', CONFIG)
    await machine.write(CONFIG, text.replace('drain: 5s', 'drain: 10m'))
    await machine.dropIn(SIDECAR, 'patient', '[Service]\nTimeoutStopSec=infinity\n')
    await machine.run('systemctl', 'reload', SIDECAR)
    const script = 'exec 3<>/dev/tcp/127.0.0.1/7070; echo ping >&3; head -n1 <&3; read _; exec true'
    const stream = machine.background('bash', '-c', script)
    assert.equal(await stream.line(), 'echo: ping')
    // Unlike systemctl stop: systemd itself asks for no end.
    await machine.run('systemctl', 'kill', '--kill-whom=main', '--signal=SIGTERM', SIDECAR)
    await eventually('systemd to know', () => machine.isIn(SIDECAR, 'deactivating', 'stop-sigterm'))
    await stream.end()
    await eventually('the end', () => machine.isIn(SIDECAR, 'inactive', 'dead'))
    assert.deepEqual(await machine.properties(SIDECAR, 'Result', 'ExecMainStatus'), ['success', '0'])
  })

  it('by systemctl stop has exit code 0, and the next connection starts it again', async () => {
    await using machine = await Machine.start()
    const files = await machine.socketFiles()
    await machine.run('systemctl', 'start', SIDECAR)
    await machine.run('systemctl', 'stop', SIDECAR)
    assert.ok(await machine.isIn(SIDECAR, 'inactive', 'dead'))
    assert.deepEqual(await machine.properties(SIDECAR, 'Result', 'ExecMainStatus'), ['success', '0'])
    assert.equal(await machine.socketFiles(), files)
    assert.match(await machine.get('/status'), /^200 /)
    await machine.run('systemctl', 'stop', SIDECAR)
    assert.match(await machine.get('/status', UNIX), /^200 /)
  })
})
