/** The units of deploy/systemd are valid, and keep the services from what they do not need. `make systemd` runs this. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { APP, Machine, SIDECAR, UNIX } from './machine.ts'

describe('the units of deploy/systemd', () => {
  it('are valid, and systemd-analyze gives them an exposure of at most 1.5 of 10', async (t) => {
    await using machine = await Machine.start()
    assert.equal(
      await machine.run('sh', '-c', 'systemd-analyze verify /usr/lib/systemd/system/uds-* 2>&1'),
      '',
    )
    for (const unit of [APP, SIDECAR]) {
      const { code, output } = await machine.try(
        'systemd-analyze',
        'security',
        '--no-pager',
        '--threshold=15',
        unit,
      )
      assert.equal(code, 0, output)
      t.diagnostic(output.split('\n').at(-1) ?? '')
    }
  })

  it('serve TCP from a sidecar, and an app, that have no network themselves', async () => {
    await using machine = await Machine.start()
    assert.match(await machine.get('/status'), /^200 .*"name":"app"/)
    const networkOf = (pid: string) => machine.run('readlink', `/proc/${pid}/ns/net`)
    const outside = await networkOf('1')
    for (const unit of [APP, SIDECAR])
      assert.notEqual(await networkOf(await machine.property(unit, 'MainPID')), outside, unit)
  })

  it('give the Unix route the owner, group and mode of its socket unit', async () => {
    await using machine = await Machine.start()
    assert.match(await machine.get('/status', UNIX), /^200 /)
    assert.match(await machine.socketFiles(), /^\/run\/uds\/local\/api\.sock \d+ 660 sidecar:local-socket$/m)
  })
})

/** Prints the errno of io_uring_setup(2), and of a socket for IPv4; 0: it was made. */
const ATTEMPT = `
import ffi from 'node:ffi'
const libc = ffi.dlopen(null, {
  syscall: { arguments: ['i64', 'i64', 'i64', 'i64'], return: 'i64' },
  __errno_location: { arguments: [], return: 'pointer' },
}).functions
const errno = libc.__errno_location()
const attempt = (...call) => (libc.syscall(...call) >= 0n ? 0 : ffi.getInt32(errno, 0))
const IO_URING_SETUP = 425n
const SOCKET = process.arch === 'arm64' ? 198n : 41n
console.log('io_uring', attempt(IO_URING_SETUP, 1n, 0n, 0n), 'socket', attempt(SOCKET, 2n, 1n, 0n))
`
const EPERM = 1
const EAFNOSUPPORT = 97

describe('the services', () => {
  it('make no socket but Unix ones, with io_uring neither', async () => {
    await using machine = await Machine.start()
    await machine.write('/opt/test/attempt.mjs', ATTEMPT)
    for (const unit of [APP, SIDECAR]) {
      const lines = [
        'Type=oneshot',
        'Restart=no',
        'ExecStart=',
        'ExecStart=/usr/local/bin/node /opt/test/attempt.mjs',
      ]
      await machine.dropIn(unit, 'attempt', `[Service]\n${lines.join('\n')}\n`)
      await machine.run('systemctl', 'restart', unit)
      await eventually('the attempt in the journal', async () =>
        (await machine.journal(unit)).includes(`io_uring ${EPERM} socket ${EAFNOSUPPORT}`),
      )
    }
  })
})

describe('a socket unit without SocketMode=', () => {
  it('is refused with exit code 78: 0666 is more open than the route', async () => {
    await using machine = await Machine.start()
    const unit = 'uds-sidecar-local.socket'
    const text = await machine.run('cat', `/usr/lib/systemd/system/${unit}`)
    await machine.write(`/etc/systemd/system/${unit}`, text.replace('SocketMode=0660\n', ''))
    await machine.run('systemctl', 'daemon-reload')
    await machine.run('systemctl', 'stop', SIDECAR, unit)
    const { code } = await machine.try('systemctl', 'start', SIDECAR)
    assert.equal(code, 1)
    assert.match(await machine.socketFiles(), /^\/run\/uds\/local\/api\.sock \d+ 666 /)
    assert.deepEqual(await machine.properties(SIDECAR, 'ActiveState', 'ExecMainStatus', 'NRestarts'), [
      'failed',
      '78',
      '0',
    ])
    await eventually('the reason in the journal', async () =>
      /route local, unix:\/run\/uds\/local\/api\.sock, has mode 0666, and the route allows 0660/.test(
        await machine.journal(SIDECAR),
      ),
    )
  })
})
