// What Kustomize makes of the manifests is what the strict checks allow, and a real podman runs the pod in it: who may do
// what, seen from inside each container; new certificates; stop, crash and restart. podman is not Kubernetes: it has no
// native sidecars, no NetworkPolicy, no preStop and no rollout, so nothing here shows those.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import * as v from 'valibot'
import type { Machine } from '../../support/machine.ts'
import { type Manifest, only } from '../check/manifests.ts'
import { danglingReferences } from '../check/references.ts'
import { violations } from '../check/restricted.ts'
import { typeErrors } from '../check/strict.ts'
import { kustomized, Pod, podmanMachine, TOKEN } from './podman-pod.ts'

const API = 'https://127.0.0.1:8080'
const METRICS = 'https://127.0.0.1:9464/metrics'
const OPS = 'http://127.0.0.1:9901'
const SOCKETS = {
  metrics: '/run/app/metrics/metrics.sock',
  api: '/run/app/api/api.sock',
  admin: '/run/app/api/admin.sock',
  redis: '/run/redis/redis.sock',
} as const
/** Of every container that has Node. */
const HARDENED = {
  rootDirectory: 'EROFS',
  capabilities: ['0000000000000000', '0000000000000000'],
  noNewPrivileges: '1',
  seccomp: '2',
}

const named = v.looseObject({ name: v.string() })
const templateSchema = v.looseObject({
  spec: v.looseObject({
    template: v.looseObject({
      spec: v.looseObject({ initContainers: v.array(named), volumes: v.array(named) }),
    }),
  }),
})

function podSpecOf(manifests: readonly Manifest[]) {
  return v.parse(templateSchema, only(manifests, 'Deployment')).spec.template.spec
}

describe('deploy/kubernetes', () => {
  let machine: Machine
  before(async () => {
    machine = await podmanMachine()
  })
  after(() => machine[Symbol.asyncDispose]())

  for (const folder of ['base', 'overlays/production'])
    describe(`kubectl kustomize ${folder}`, () => {
      let manifests: Manifest[]
      before(async () => {
        manifests = await kustomized(machine, folder)
      })

      it('makes only fields that their kinds know, of the right types', () => {
        assert.deepEqual(typeErrors(manifests), [])
      })

      it('makes a pod that passes the restricted Pod Security Standard', () => {
        assert.deepEqual(violations(podSpecOf(manifests)), [])
      })

      it('makes objects that refer to labels, ports and ConfigMaps that are there', () => {
        assert.deepEqual(danglingReferences(manifests), [])
      })

      it('keeps the init containers that make directories before those that mount them', () => {
        assert.deepEqual(
          podSpecOf(manifests).initContainers.map(({ name }) => name),
          ['app-directories', 'redis-directories', 'redis-data-directory', 'redis', 'sidecar'],
        )
      })

      it('gives each ConfigMap a name with a hash, and the pod mounts that one', () => {
        const made = manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name)
        assert.equal(made.length, 2)
        const mounted = JSON.stringify(podSpecOf(manifests).volumes)
        for (const name of made) assert.match(mounted, new RegExp(`"configMap":\\{"name":"${name}"`))
      })
    })

  describe('the pod of overlays/production, run by podman', () => {
    let pod: Pod
    before(async () => {
      pod = await Pod.play(machine, await kustomized(machine, 'overlays/production'))
      await pod.ready()
    })

    it('serves the API over TLS, and the metrics to the token of Prometheus alone', async () => {
      assert.equal((await pod.get(`${API}/status`)).status, 200)
      assert.equal((await pod.get(`${API}/metrics`)).status, 403)
      assert.equal((await pod.get(METRICS)).status, 401)
      assert.match((await pod.get(METRICS, TOKEN)).body, /^app_build_info/m)
      assert.match((await pod.get(`${OPS}/metrics`)).body, /^sidecar_build_info/m)
    })

    it('app: uses its sockets and that of Redis, and makes no TCP socket', async () => {
      assert.deepEqual(await pod.access('app', ...Object.values(SOCKETS)), {
        user: '10001:10001 10001',
        sockets: {
          [SOCKETS.metrics]: 'yes',
          [SOCKETS.api]: 'yes',
          [SOCKETS.admin]: 'yes',
          [SOCKETS.redis]: 'yes',
        },
        directories: { '/run/app/metrics': 'yes', '/run/app/api': 'yes', '/run/redis': 'EROFS' },
        tcpListen: 'EAFNOSUPPORT',
        tcpConnect: 'EAFNOSUPPORT',
        ...HARDENED,
      })
    })

    it('sidecar: connects to metrics and API, not to admin, writes nowhere, and does not see Redis', async () => {
      assert.deepEqual(await pod.access('sidecar', ...Object.values(SOCKETS)), {
        user: '10002:10002 10002',
        sockets: {
          [SOCKETS.metrics]: 'yes',
          [SOCKETS.api]: 'yes',
          [SOCKETS.admin]: 'EACCES',
          [SOCKETS.redis]: 'ENOENT',
        },
        directories: { '/run/app/metrics': 'EROFS', '/run/app/api': 'EROFS', '/run/redis': 'ENOENT' },
        tcpListen: 'yes',
        tcpConnect: 'yes',
        ...HARDENED,
      })
    })

    it('redis: its own socket and data alone, and makes no TCP socket', async () => {
      const report = [
        'id --user; id --groups',
        'stat --format="%n %u:%g %a" /run/redis /run/redis/redis.sock /data',
        'ls /run/app /run/certificates 2>&1 | sed "s/.*: //"',
        '(exec 3<>/dev/tcp/127.0.0.1/9901) 2>&1 | sed -n "1s/.*: //p"',
        'grep --extended-regexp "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status | tr "\\t" " "',
        'touch /intruder 2>&1 | sed "s/.*: //"',
      ]
      const { stdout } = await pod.exec('redis', 'bash', '-c', report.join('\n'))
      assert.deepEqual(stdout.trim().split('\n'), [
        '10004',
        '10004',
        '/run/redis 10004:10001 2750',
        '/run/redis/redis.sock 10004:10001 660',
        '/data 10004:10004 700',
        'No such file or directory',
        'No such file or directory',
        'Address family not supported by protocol',
        'CapBnd: 0000000000000000',
        'NoNewPrivs: 1',
        'Seccomp: 2',
        'Read-only file system',
      ])
    })

    it('takes over a certificate that is replaced, without a restart', async () => {
      const { serial: old } = await pod.get(`${API}/status`)
      const process = await pod.processOf('sidecar')
      await pod.rotateCertificate()
      await eventually('the new certificate', async () => (await pod.get(`${API}/status`)).serial !== old)
      assert.equal(await pod.processOf('sidecar'), process)
    })

    it('while the app is stopped, the sidecar is alive and not ready, and says why', async () => {
      assert.equal(await pod.stop('app'), 0)
      const { status, body } = await pod.get(`${API}/status`)
      assert.equal(status, 503)
      assert.match(body, /"code":"socket_missing"/)
      await eventually(
        'the sidecar not to be ready',
        async () => !(await pod.probe('sidecar', 'readinessProbe')),
      )
      assert.ok(await pod.probe('sidecar', 'livenessProbe'))
      await pod.start('app')
      await pod.ready()
      assert.equal((await pod.get(`${API}/status`)).status, 200)
    })

    for (const container of ['app', 'sidecar', 'redis'])
      it(`comes back when ${container} crashes`, async () => {
        await pod.crash(container)
        await pod.ready()
        await eventually('the API to respond', async () => (await pod.get(`${API}/status`)).status === 200)
      })

    it('comes back on the same volumes, which the init containers leave as they are', async () => {
      await pod.restart()
      await pod.ready()
      assert.equal((await pod.get(`${API}/status`)).status, 200)
      const { stdout } = await pod.exec('redis', 'stat', '--format=%u:%g %a', '/run/redis', '/data')
      assert.equal(stdout, '10004:10001 2750\n10004:10004 700\n')
    })
  })
})
