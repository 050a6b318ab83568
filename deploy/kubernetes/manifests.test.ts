import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as v from 'valibot'
import { KUBERNETES, type Manifest, only, parseManifests, writtenManifests } from './check/manifests.ts'
import { podForPodman } from './check/pod-for-podman.ts'
import { danglingReferences } from './check/references.ts'
import { violations } from './check/restricted.ts'
import { typeErrors } from './check/strict.ts'

const WRITTEN = writtenManifests()

const mount = v.looseObject({
  name: v.string(),
  subPath: v.optional(v.string()),
  readOnly: v.optional(v.boolean()),
})
const ids = v.looseObject({ runAsUser: v.number(), runAsGroup: v.number() })
const podSchema = v.looseObject({
  initContainers: v.array(
    v.looseObject({ name: v.string(), securityContext: ids, volumeMounts: v.array(mount) }),
  ),
  containers: v.array(
    v.looseObject({ name: v.string(), securityContext: ids, volumeMounts: v.array(mount) }),
  ),
  securityContext: v.record(v.string(), v.unknown()),
})

function podSpecOf(deployment: Manifest): unknown {
  const schema = v.looseObject({ spec: v.looseObject({ template: v.looseObject({ spec: v.unknown() }) }) })
  return v.parse(schema, deployment).spec.template.spec
}

/** The base's Deployment with a piece of its YAML replaced, which stands in it at least once. */
function changed(find: string, replacement: string): Manifest {
  const text = readFileSync(join(KUBERNETES, 'base/deployment.yaml'), 'utf8')
  assert.ok(text.includes(find), `deployment.yaml has no ${find}`)
  return only(parseManifests(text.replace(find, replacement), 'deployment.yaml'), 'Deployment')
}

describe('the manifests', () => {
  it('are all found', () => {
    assert.deepEqual(WRITTEN.map(({ kind }) => kind).sort(), [
      'Deployment',
      'Namespace',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'PodMonitor',
      'Service',
    ])
  })

  it('have only fields that their kinds know, of the right types', () => {
    assert.deepEqual(typeErrors(WRITTEN), [])
  })

  it('pass the restricted Pod Security Standard', () => {
    assert.deepEqual(violations(podSpecOf(only(WRITTEN, 'Deployment'))), [])
  })
})

describe('the check of references', () => {
  const text = (kind: string) => JSON.stringify(WRITTEN.filter((one) => one.kind === kind))
  /** The manifests without Kustomize have no ConfigMap: they are what it generates. */
  const MAPS = ['uds-sidecar', 'uds-redis'].map((name) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
  }))
  /** The objects with a piece of the JSON of one kind replaced. */
  const referring = (kind: string, find: string, replacement: string) => {
    assert.ok(text(kind).includes(find), `${kind} has no ${find}`)
    const others = WRITTEN.filter((one) => one.kind !== kind)
    const own = parseManifests(JSON.stringify(JSON.parse(text(kind).replace(find, replacement))[0]), kind)
    return danglingReferences([...others, ...own, ...MAPS])
  }

  it('finds nothing in the manifests', () => {
    assert.deepEqual(danglingReferences([...WRITTEN, ...MAPS]), [])
  })

  it('finds a ConfigMap that nobody makes', () => {
    assert.deepEqual(danglingReferences(WRITTEN), [
      'the pod mounts the ConfigMap uds-sidecar, and there is none',
      'the pod mounts the ConfigMap uds-redis, and there is none',
    ])
  })

  for (const [kind, port] of [
    ['Service', '"targetPort":"api"'],
    ['NetworkPolicy', '"port":"metrics"'],
    ['PodMonitor', '"port":"ops"'],
  ] as const)
    it(`finds a port of ${kind} that no container has`, () => {
      assert.deepEqual(referring(kind, port, port.replace(/"\w+"$/, '"nobody"')), [
        `${kind} names the port nobody, and no container has it`,
      ])
    })

  for (const kind of ['Service', 'NetworkPolicy', 'PodDisruptionBudget', 'PodMonitor', 'Deployment'])
    it(`finds labels of ${kind} that the pod does not have`, () => {
      const found = referring(
        kind,
        kind === 'Service' ? '"selector":{"app.' : '"matchLabels":{"app.',
        kind === 'Service' ? '"selector":{"x.' : '"matchLabels":{"x.',
      )
      assert.deepEqual(found, [
        `${kind} selects x.kubernetes.io/name: uds-sidecar, and the pod has no such label`,
      ])
    })
})

describe('the strict check', () => {
  for (const [what, find, replacement, message] of [
    ['an unknown field of a container', 'preStop:', 'preStopp:', /preStopp/],
    ['an unknown field of the Deployment', 'revisionHistoryLimit:', 'revisionHistory:', /revisionHistory/],
    ['a field of another type', 'replicas: 2', 'replicas: two', /replicas|string/],
    [
      'a value that is none of the allowed',
      'allowPrivilegeEscalation: false',
      'allowPrivilegeEscalation: 0',
      /number/,
    ],
  ] as const)
    it(`finds ${what}`, () => {
      assert.match(typeErrors([changed(find, replacement)]).join('\n'), message)
    })

  it('finds an unknown field of a PodMonitor', () => {
    const monitor = only(WRITTEN, 'PodMonitor')
    const spec = { ...v.parse(v.looseObject({}), monitor.spec), podMetricsEndpoint: [] }
    assert.match(typeErrors([{ ...monitor, spec }]).join('\n'), /podMetricsEndpoint/)
  })

  it('finds a kind that is in no package', () => {
    const unknown = { apiVersion: 'apps/v1', kind: 'Deploiment', metadata: { name: 'x' } }
    assert.match(typeErrors([unknown]).join('\n'), /IDeploiment/)
  })
})

describe('the check of the restricted standard', () => {
  for (const [find, replacement, violation] of [
    ['runAsNonRoot: true', 'runAsNonRoot: false', 'runAsNonRoot is not true'],
    ['runAsNonRoot: true', 'runAsNonRoot: false', 'runAsNonRoot of the pod is false'],
    ['{ type: RuntimeDefault }', '{ type: Unconfined }', 'the seccomp profile of the pod is Unconfined'],
    ['runAsUser: 10001', 'runAsUser: 0', 'runAsUser is 0'],
    [
      'allowPrivilegeEscalation: false',
      'allowPrivilegeEscalation: true',
      'allowPrivilegeEscalation is not false',
    ],
    ['allowPrivilegeEscalation: false', 'procMount: Default', 'allowPrivilegeEscalation is not false'],
    ['readOnlyRootFilesystem: true', 'privileged: true', 'it is privileged'],
    ['drop: [ALL]', 'drop: [NET_RAW]', 'it does not drop ALL capabilities'],
    ['drop: [ALL]', 'drop: [ALL], add: [NET_ADMIN]', 'it adds NET_ADMIN'],
    ['{ type: RuntimeDefault }', '{ type: Unconfined }', 'its seccomp profile is Unconfined'],
    ['readOnlyRootFilesystem: true', 'procMount: Unmasked', 'it has a procMount of its own'],
    ['containerPort: 9464', 'containerPort: 9464, hostPort: 9464', 'it has a hostPort'],
    ['path: /-/ready', 'path: /-/ready, host: example.org', 'a probe or a handler goes to another host'],
    [
      'readOnlyRootFilesystem: true',
      'seLinuxOptions: { type: spc_t }',
      'it has an SELinux type, user or role of its own',
    ],
    ['readOnlyRootFilesystem: true', 'appArmorProfile: { type: Unconfined }', 'AppArmor is off'],
    ['enableServiceLinks: false', 'hostNetwork: true', 'it shares a namespace with the node'],
    ['emptyDir: { sizeLimit: 256Mi }', 'hostPath: { path: /srv }', 'volume redis-data is a hostPath'],
    [
      'securityContext:\n        runAsNonRoot: true',
      'securityContext:\n        sysctls: [{ name: kernel.msgmax, value: "1" }]\n        runAsNonRoot: true',
      'sysctl kernel.msgmax is not safe',
    ],
  ] as const)
    it(`finds ${replacement}: ${violation}`, () => {
      const found = violations(podSpecOf(changed(find, replacement)))
      assert.ok(
        found.some((line) => line.endsWith(violation)),
        found.join('\n'),
      )
    })
})

describe('the pod', () => {
  const pod = v.parse(podSchema, podSpecOf(only(WRITTEN, 'Deployment')))
  const all = [...pod.initContainers, ...pod.containers]
  const idsOf = (name: string) => {
    const { runAsUser, runAsGroup } = all.find((one) => one.name === name)?.securityContext ?? {}
    return `${runAsUser}:${runAsGroup}`
  }

  it('makes each directory with the user of the server and the group of the one consumer', () => {
    assert.equal(idsOf('app-directories'), '10001:10002')
    assert.equal(idsOf('redis-directories'), '10004:10001')
    assert.deepEqual(
      [idsOf('app'), idsOf('sidecar'), idsOf('redis')],
      ['10001:10001', '10002:10002', '10004:10004'],
    )
  })

  it('gives no group to all of its containers', () => {
    assert.ok(!('fsGroup' in pod.securityContext) && !('supplementalGroups' in pod.securityContext))
  })

  it('mounts of a volume with sockets only the directory in it, but where that is made', () => {
    const whole = all.flatMap(({ name, volumeMounts }) =>
      volumeMounts
        .filter((mount) => /-socket$|-data$/.test(mount.name) && mount.subPath !== 'd')
        .map((mount) => `${name} ${mount.name}`),
    )
    assert.deepEqual(whole, [
      'app-directories metrics-socket',
      'app-directories api-socket',
      'redis-directories redis-socket',
      'redis-data-directory redis-data',
    ])
  })

  it('lets a consumer write to no directory of sockets', () => {
    const writable = all
      .filter(({ name }) => name === 'sidecar' || name === 'app')
      .flatMap(({ name, volumeMounts }) =>
        volumeMounts.filter(({ readOnly }) => readOnly !== true).map((mount) => `${name} ${mount.name}`),
      )
    assert.deepEqual(writable, ['app metrics-socket', 'app api-socket'])
  })

  it('makes the directories before anybody mounts them', () => {
    const names = pod.initContainers.map(({ name }) => name)
    assert.deepEqual(names, [
      'app-directories',
      'redis-directories',
      'redis-data-directory',
      'redis',
      'sidecar',
    ])
  })
})

describe('the pod for podman', () => {
  it('runs native sidecars as containers, with their probes as commands', () => {
    const { objects, probes } = podForPodman(WRITTEN, 'x')
    assert.equal(objects.length, 1)
    assert.deepEqual([...probes.keys()], ['redis', 'sidecar', 'app'])
    const ask = ['node', 'bundle/healthcheck.mjs', 'tcp://127.0.0.1:9901']
    assert.deepEqual(probes.get('sidecar'), {
      startupProbe: [...ask, '/-/healthy'],
      readinessProbe: [...ask, '/-/ready'],
      livenessProbe: [...ask, '/-/healthy'],
    })
    assert.equal(probes.get('app')?.readinessProbe, undefined)
  })

  it('fails where a probe asks a port that is not there', () => {
    const manifests = [changed('{ name: ops, containerPort: 9901 }', '{ name: other, containerPort: 9901 }')]
    assert.throws(() => podForPodman(manifests, 'x'), {
      message: 'sidecar: a probe asks the port ops, and there is none',
    })
  })
})
