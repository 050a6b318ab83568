// Each container is as the design says, according to the engine and to the kernel: user, groups, no capability, no new
// privileges, read-only root, limits, an init, its network, and the volumes that it may write to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hardeningOf, mountsOf, processStatus } from './support/hardening.ts'
import { sharedStack } from './support/stack.ts'

interface Expected {
  readonly uid: number
  readonly groups: readonly number[]
  readonly network: 'none' | 'edge' | 'outside'
  readonly mounts: readonly string[]
}

const EXPECTED: Record<string, Expected> = {
  redis: {
    uid: 10004,
    groups: [],
    network: 'none',
    mounts: ['/data rw', '/run/redis rw', '/usr/local/etc/redis/redis.conf ro'],
  },
  certificates: {
    uid: 10006,
    groups: [],
    network: 'none',
    mounts: [
      '/certificates/client rw',
      '/certificates/partner rw',
      '/certificates/prometheus rw',
      '/certificates/sidecar rw',
    ],
  },
  app: {
    uid: 10001,
    groups: [10300, 10400],
    network: 'none',
    mounts: ['/run/app/api rw', '/run/app/metrics rw', '/run/app/out ro', '/run/redis ro'],
  },
  sidecar: {
    uid: 10002,
    groups: [10100, 10200],
    network: 'edge',
    mounts: [
      '/etc/sidecar/sidecar.yaml ro',
      '/run/app/api ro',
      '/run/app/metrics ro',
      '/run/app/out rw',
      '/run/certificates ro',
    ],
  },
  partner: {
    uid: 10007,
    groups: [],
    network: 'outside',
    mounts: ['/etc/partner/partner.mjs ro', '/run/certificates ro'],
  },
  client: {
    uid: 10003,
    groups: [10200],
    network: 'edge',
    mounts: ['/run/app/api ro', '/run/app/metrics ro', '/run/certificates ro'],
  },
  prometheus: {
    uid: 10005,
    groups: [],
    network: 'edge',
    mounts: [
      '/etc/prometheus/alerts.yml ro',
      '/etc/prometheus/prometheus.yml ro',
      '/etc/prometheus/recording.yml ro',
      '/run/certificates ro',
    ],
  },
}

test('containers are hardened', async (t) => {
  const stack = await sharedStack(t)

  for (const [name, { uid, groups, network, mounts }] of Object.entries(EXPECTED)) {
    const service = stack.service(name)

    await t.test(`${name}: what the engine says`, async () => {
      assert.deepEqual(hardeningOf(await service.inspect()), {
        user: `${uid}:${uid}`,
        groups: groups.map(String),
        network: network === 'none' ? 'none' : `${stack.compose.name}_${network}`,
        capDrop: ['ALL'],
        capAdd: [],
        securityOpt: ['no-new-privileges:true'],
        privileged: false,
        readOnlyRoot: true,
        init: true,
        pidsLimit: 128,
        memoryMiB: 256,
        restart: 'unless-stopped',
      })
    })

    await t.test(`${name}: what the kernel says`, async () => {
      assert.deepEqual(await processStatus(service), {
        uids: [uid, uid, uid, uid],
        gids: [uid, uid, uid, uid],
        groups: [uid, ...groups],
        capabilities: ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(
          (set) => `${set} ${NO_CAPABILITY}`,
        ),
        noNewPrivileges: true,
        seccompFilter: true,
      })
    })

    await t.test(`${name}: its mounts`, async () => {
      assert.deepEqual(mountsOf(await service.inspect()), mounts)
    })
  }

  await t.test('ports are published on this machine alone', async () => {
    const { NetworkSettings } = await stack.service('sidecar').inspect()
    const published = Object.keys(NetworkSettings.Ports).map((port) => [
      port,
      NetworkSettings.Ports[port]?.map(({ HostIp }) => HostIp).join(),
    ])
    assert.deepEqual(Object.fromEntries(published), {
      '7070/tcp': '127.0.0.1',
      '8080/tcp': '127.0.0.1',
      '8443/tcp': '127.0.0.1',
      '9464/tcp': '127.0.0.1',
      '9901/tcp': '127.0.0.1',
    })
  })
})

const NO_CAPABILITY = '0000000000000000'
