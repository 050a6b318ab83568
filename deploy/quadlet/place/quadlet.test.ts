// The quadlets of the app and the sidecar, under a real systemd with a real podman: systemd holds the sockets, so
// containers are restarted, upgraded and killed without a failed request. `make places` runs this.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { keepsServing, visitsOf } from './keeps-serving.ts'
import { PodmanMachine } from './podman-machine.ts'

const TCP = 'tcp://127.0.0.1:8080'
const METRICS = 'https://127.0.0.1:9464/metrics'
const API = 'unix:/run/uds/api/api.sock'
const SOCKET_FILES = {
  metrics: '/run/uds/metrics/metrics.sock',
  api: '/run/uds/api/api.sock',
  echo: '/run/uds/api/echo.sock',
  admin: '/run/uds/api/admin.sock',
  redis: '/run/uds/redis/redis.sock',
} as const
const GENERATOR = '/usr/lib/systemd/system-generators/podman-system-generator'
const NO_PROBLEM = /^(?:quadlet-generator\[\d+\]: Loading source unit file .*\n?)*$/

test('the quadlets run under systemd and podman', async (t) => {
  await using machine = await PodmanMachine.start()
  await machine.install()
  for (const unit of ['uds-app', 'uds-sidecar'])
    await machine.writeUnit(
      `/etc/systemd/system/${unit}.service.d/starts.conf`,
      '[Unit]\nStartLimitIntervalSec=0\n', // as often as the test wants
    )

  await t.test('podman and systemd accept all units', async () => {
    const units = await machine.run('sh', '-c', `${GENERATOR} --dryrun 2>/tmp/problems`)
    assert.deepEqual([...units.matchAll(/^---(.*)---$/gm)].map(([, name]) => name).sort(), [
      'uds-app.service',
      'uds-redis-data-volume.service',
      'uds-redis.service',
      'uds-sidecar.service',
    ])
    assert.match(await machine.run('cat', '/tmp/problems'), NO_PROBLEM)
    const verify =
      'systemd-analyze verify /etc/systemd/system/uds-*.socket /run/systemd/generator/uds-*.service 2>&1'
    assert.equal(await machine.run('sh', '-c', verify), '')
    const broken = ['[Container]', 'Image=localhost/app', 'NoNewPrivilege=true'].join('\n')
    await machine.run('sh', '-c', `mkdir /tmp/broken && echo '${broken}' >/tmp/broken/broken.container`)
    const { output } = await machine.try('env', 'QUADLET_UNIT_DIRS=/tmp/broken', GENERATOR, '--dryrun')
    assert.match(output, /unsupported key 'NoNewPrivilege'/) // so the check above means something
  })

  await t.test('every route is up, and Prometheus reads the metrics with its token over TLS', async () => {
    await eventuallyPasses(async () =>
      assert.match(await machine.get('http://127.0.0.1:9901/-/ready'), /^200 /),
    )
    assert.match(await machine.get('http://127.0.0.1:8080/status'), /^200 .*"redis":"up"/)
    assert.match(await machine.get('https://127.0.0.1:8443/status'), /^200 .*"redis":"up"/)
    assert.match(await machine.get(METRICS), /^401 /)
    assert.match(await scrape(machine), /^200 /)
  })

  await t.test('app, sidecar and Redis are on no network, and have no privileges', async () => {
    const outside = await machine.run('readlink', '/proc/1/ns/net')
    for (const container of ['uds-app', 'uds-sidecar', 'uds-redis']) {
      const pid = await machine.pidOf(container)
      assert.notEqual(await machine.run('readlink', `/proc/${pid}/ns/net`), outside, container)
      const interfaces = await machine.run('nsenter', '--net', '--target', pid, 'cat', '/proc/net/dev')
      assert.deepEqual(
        [...interfaces.matchAll(/^ *(\w+):/gm)].map(([, name]) => name),
        ['lo'],
        container,
      )
      const status = await machine.run('cat', `/proc/${pid}/status`)
      assert.match(status, /^NoNewPrivs:\t1$/m, container)
      for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        assert.match(status, new RegExp(`^${set}:\t0{16}$`, 'm'), container)
    }
    const connecting = `net.connect(8080, '127.0.0.1').on('connect', () => console.log('connected')).on('error', (e) => console.log(e.code))`
    assert.equal(await machine.run('podman', 'exec', 'uds-app', 'node', '--eval', connecting), 'ECONNREFUSED')
  })

  await t.test('each container, and each user of the machine, reaches its own sockets alone', async () => {
    const podman = (container: string) => ['podman', 'exec', container]
    const user = (uid: number, ...groups: number[]) => [
      ...['setpriv', `--reuid=${uid}`, `--regid=${uid}`],
      groups.length === 0 ? '--clear-groups' : `--groups=${groups}`,
    ]
    const [yes, no, absent] = ['connected', 'EACCES', 'ENOENT']
    const all = (outcome: string) => ({
      ...{ metrics: outcome, api: outcome, echo: outcome, admin: outcome, redis: outcome },
    })
    const matrix: [string, string[], object][] = [
      ['the app', podman('uds-app'), { ...all(absent), redis: yes }],
      ['the sidecar', podman('uds-sidecar'), { metrics: yes, api: yes, echo: yes, admin: no, redis: absent }],
      ['uid of the sidecar without its groups', user(10002), all(no)],
      ['uid of Redis', user(10004), { ...all(no), redis: yes }],
      ['a member of metrics-socket', user(65534, 10100), { ...all(no), metrics: yes }],
      ['a member of api-socket', user(65534, 10200), { ...all(no), api: yes, echo: yes }],
      ['a member of redis-socket', user(65534, 10300), { ...all(no), redis: yes }],
      ['nobody', user(65534), all(no)],
    ]
    for (const [who, as, expected] of matrix)
      assert.deepEqual(JSON.parse(await machine.run(...as, 'node', '--eval', CONNECT)), expected, who)
    // Who gets past the directory meets these.
    const rights = await machine.run('stat', '--format=%n %a %U:%G', ...Object.values(SOCKET_FILES))
    assert.deepEqual(rights.split('\n'), [
      '/run/uds/metrics/metrics.sock 660 app:metrics-socket',
      '/run/uds/api/api.sock 660 app:api-socket',
      '/run/uds/api/echo.sock 660 app:api-socket',
      '/run/uds/api/admin.sock 600 app:app',
      '/run/uds/redis/redis.sock 660 redis:redis-socket',
    ])
  })

  await t.test(
    'restarts of the app fail no visit, directly and through the sidecar, and lose none',
    async (t) => {
      const { pids } = await keepsServing(t, machine, 'POST /visits', [TCP, API], async (load) => {
        for (let restarts = 0; restarts < 3; restarts++) {
          await load.more(50)
          await machine.run('systemctl', 'restart', 'uds-app')
          await load.seen('uds-app')
        }
      })
      assert.equal(pids.size, 3)
    },
  )

  await t.test('an upgrade of the app fails no visit, and then the new image serves', async (t) => {
    const next = 'localhost/uds-sidecar/app:next'
    await machine.run('podman', 'commit', '--quiet', '--change=ENV VERSION=next', 'uds-app', next)
    await keepsServing(t, machine, 'POST /visits', [TCP, API], async (load) => {
      await load.more(50)
      const dropIn = '/etc/containers/systemd/uds-app.container.d/image.conf'
      await machine.writeUnit(dropIn, `[Container]\nImage=${next}\n`)
      await machine.run('systemctl', 'restart', 'uds-app')
    })
    assert.match(await machine.get('http://127.0.0.1:8080/status'), /^200 .*"version":"next"/)
  })

  await t.test('restarts of the sidecar fail no request', async (t) => {
    const { pids } = await keepsServing(t, machine, 'POST /visits', [TCP], async (load) => {
      for (let restarts = 0; restarts < 3; restarts++) {
        await load.more(50)
        await machine.run('systemctl', 'restart', 'uds-sidecar')
        await load.seen('uds-sidecar')
      }
    })
    assert.equal(pids.size, 3)
  })

  await t.test('SIGKILL of the app fails no GET through the sidecar', async (t) => {
    const { pids } = await keepsServing(t, machine, 'GET /status', [TCP], async (load) => {
      for (const kill of [
        ['podman', 'kill', '--signal=KILL', 'uds-app'], // the app alone
        ['systemctl', 'kill', '--signal=KILL', 'uds-app'], // and conmon, which watches it
        ['podman', 'kill', '--signal=KILL', 'uds-app'],
      ]) {
        await load.more(50)
        const restarts = Number(await machine.property('uds-app', 'NRestarts'))
        await machine.run(...kill)
        await eventually('systemd to start it again', async () => {
          const [now, state] = await Promise.all([
            machine.property('uds-app', 'NRestarts'),
            machine.property('uds-app', 'ActiveState'),
          ])
          return Number(now) > restarts && state === 'active'
        })
        await load.seen('uds-app')
      }
    })
    assert.equal(pids.size, 3)
  })

  await t.test('a reload takes a new configuration over in the same process', async () => {
    const pid = await machine.pidOf('uds-sidecar')
    assert.match(await machine.get('http://127.0.0.1:8080/quote'), /^403 /)
    await machine.run('sed', '-i', 's|allow: .GET /status,|& GET /quote,|', '/etc/uds/sidecar/sidecar.yaml')
    await machine.run('systemctl', 'reload', 'uds-sidecar')
    await eventuallyPasses(async () =>
      assert.match(await machine.get('http://127.0.0.1:8080/quote'), /^(?!403)/),
    )
    assert.equal(await machine.pidOf('uds-sidecar'), pid)
  })

  await t.test('new certificates and a new token are taken over in the same process', async () => {
    const pid = await machine.pidOf('uds-sidecar')
    await machine.rotate()
    await eventuallyPasses(async () => assert.match(await scrape(machine), /^200 /))
    assert.equal(await machine.pidOf('uds-sidecar'), pid)
  })

  await t.test('a start with a broken configuration fails, says why, and is not tried again', async () => {
    const restarts = await machine.property('uds-sidecar', 'NRestarts')
    await machine.run('sh', '-c', 'cd /etc/uds/sidecar; cp sidecar.yaml good; echo bogus: 1 >>sidecar.yaml')
    try {
      const { code } = await machine.try('systemctl', 'restart', 'uds-sidecar')
      assert.equal(code, 1)
      assert.equal(await machine.property('uds-sidecar', 'ActiveState'), 'failed')
      assert.equal(await machine.property('uds-sidecar', 'ExecMainStatus'), '78')
      assert.equal(await machine.property('uds-sidecar', 'NRestarts'), restarts)
      await eventuallyPasses(async () =>
        assert.match(await machine.run('journalctl', '--output=cat', '--unit=uds-sidecar'), /bogus/),
      )
    } finally {
      await machine.run('mv', '/etc/uds/sidecar/good', '/etc/uds/sidecar/sidecar.yaml')
    }
    await machine.run('systemctl', 'start', 'uds-sidecar')
  })

  await t.test('after a reboot everything is up again, and the visits are still there', async () => {
    const visits = await visitsOf(machine)
    await machine.reboot()
    for (const unit of ['uds-app', 'uds-sidecar', 'uds-redis']) // before somebody connects
      assert.equal(await machine.property(unit, 'ActiveState'), 'active', unit)
    await eventuallyPasses(async () => assert.equal(await visitsOf(machine), visits))
  })
})

/** Prints, as JSON, what a connection to each socket ends with. */
const CONNECT = `Promise.all(Object.entries(${JSON.stringify(SOCKET_FILES)}).map(([name, path]) => new Promise((done) =>
  net.connect(path).on('connect', function () { this.destroy(); done([name, 'connected']) })
    .on('error', (error) => done([name, error.code]))
))).then((all) => console.log(JSON.stringify(Object.fromEntries(all))))`

/** Status and body, with the token of Prometheus and by its CA. */
async function scrape(machine: PodmanMachine): Promise<string> {
  return machine.get(METRICS, { authorization: `Bearer ${await machine.token()}` })
}
