import * as v from 'valibot'

const capabilities = v.looseObject({
  drop: v.optional(v.array(v.string())),
  add: v.optional(v.array(v.string())),
})
const seccomp = v.looseObject({ type: v.string() })
const seLinux = v.looseObject({
  type: v.optional(v.string()),
  user: v.optional(v.string()),
  role: v.optional(v.string()),
})
const windows = v.looseObject({ hostProcess: v.optional(v.boolean()) })
const ids = {
  runAsNonRoot: v.optional(v.boolean()),
  runAsUser: v.optional(v.number()),
  seccompProfile: v.optional(seccomp),
  seLinuxOptions: v.optional(seLinux),
  windowsOptions: v.optional(windows),
  appArmorProfile: v.optional(v.looseObject({ type: v.string() })),
}
const handler = v.optional(
  v.looseObject({
    httpGet: v.optional(v.looseObject({ host: v.optional(v.string()) })),
    tcpSocket: v.optional(v.looseObject({ host: v.optional(v.string()) })),
  }),
)
const container = v.looseObject({
  name: v.string(),
  securityContext: v.optional(
    v.looseObject({
      ...ids,
      privileged: v.optional(v.boolean()),
      allowPrivilegeEscalation: v.optional(v.boolean()),
      capabilities: v.optional(capabilities),
      procMount: v.optional(v.string()),
    }),
  ),
  ports: v.optional(v.array(v.looseObject({ hostPort: v.optional(v.number()) }))),
  startupProbe: handler,
  readinessProbe: handler,
  livenessProbe: handler,
  lifecycle: v.optional(v.looseObject({ preStop: handler, postStart: handler })),
})
const containers = v.optional(v.array(container), [])
const podSpec = v.looseObject({
  hostNetwork: v.optional(v.boolean()),
  hostPID: v.optional(v.boolean()),
  hostIPC: v.optional(v.boolean()),
  securityContext: v.optional(
    v.looseObject({ ...ids, sysctls: v.optional(v.array(v.looseObject({ name: v.string() })), []) }),
    {},
  ),
  volumes: v.optional(v.array(v.looseObject({ name: v.string() })), []),
  initContainers: containers,
  containers,
  ephemeralContainers: containers,
})

type PodSpec = v.InferOutput<typeof podSpec>
type Container = v.InferOutput<typeof container>

/** Nothing else is a source of a volume. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]
const SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
]
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']
const SECCOMP = ['RuntimeDefault', 'Localhost']

/**
 * Where a pod violates the Pod Security Standard "restricted" (kubernetes.io/docs/concepts/security/pod-security-standards)
 * as of Kubernetes 1.34. No server is at hand that would say it.
 * @param spec `spec` of a pod, or of the template of a Deployment
 * @returns a line for each violation; empty if there is none
 */
export function violations(spec: unknown): string[] {
  const pod = v.parse(podSpec, spec)
  const all = [...pod.initContainers, ...pod.containers, ...pod.ephemeralContainers]
  return [...ofPod(pod), ...all.flatMap((one) => ofContainer(one, pod).map((what) => `${one.name}: ${what}`))]
}

function ofPod({ hostNetwork, hostPID, hostIPC, volumes, securityContext }: PodSpec): string[] {
  const foreign = volumes.flatMap((volume) =>
    Object.keys(volume)
      .filter((key) => key !== 'name' && !VOLUMES.includes(key))
      .map((kind) => `volume ${volume.name} is a ${kind}`),
  )
  const { runAsNonRoot, seccompProfile } = securityContext
  return [
    ...(hostNetwork || hostPID || hostIPC ? ['it shares a namespace with the node'] : []),
    ...(runAsNonRoot === false ? ['runAsNonRoot of the pod is false'] : []),
    ...(seccompProfile === undefined || SECCOMP.includes(seccompProfile.type)
      ? []
      : [`the seccomp profile of the pod is ${seccompProfile.type}`]),
    ...foreign,
    ...securityContext.sysctls
      .filter(({ name }) => !SYSCTLS.includes(name))
      .map(({ name }) => `sysctl ${name} is not safe`),
  ]
}

function ofContainer(one: Container, { securityContext: pod }: PodSpec): string[] {
  const own = one.securityContext ?? {}
  const { drop = [], add = [] } = own.capabilities ?? {}
  const contexts = [own, pod]
  const seccompType = (own.seccompProfile ?? pod.seccompProfile)?.type
  const rules: readonly (readonly [isBroken: boolean, what: string])[] = [
    [own.privileged === true, 'it is privileged'],
    [own.allowPrivilegeEscalation !== false, 'allowPrivilegeEscalation is not false'],
    [!drop.includes('ALL'), 'it does not drop ALL capabilities'],
    [add.some((name) => name !== 'NET_BIND_SERVICE'), `it adds ${add}`],
    [(own.runAsNonRoot ?? pod.runAsNonRoot) !== true, 'runAsNonRoot is not true'],
    [contexts.some(({ runAsUser }) => runAsUser === 0), 'runAsUser is 0'],
    [
      seccompType === undefined || !SECCOMP.includes(seccompType),
      `its seccomp profile is ${seccompType ?? 'not set'}`,
    ],
    [(own.procMount ?? 'Default') !== 'Default', 'it has a procMount of its own'],
    [(one.ports ?? []).some(({ hostPort = 0 }) => hostPort !== 0), 'it has a hostPort'],
    [
      contexts.some(({ windowsOptions }) => windowsOptions?.hostProcess === true),
      'it is a process of the host',
    ],
    [
      contexts.some(({ appArmorProfile: a }) => a !== undefined && !SECCOMP.includes(a.type)),
      'AppArmor is off',
    ],
    [
      contexts.some(({ seLinuxOptions: { type = '', user = '', role = '' } = {} }) =>
        [!SELINUX_TYPES.includes(type), user !== '', role !== ''].includes(true),
      ),
      'it has an SELinux type, user or role of its own',
    ],
    [handlersOf(one).some((host) => host !== ''), 'a probe or a handler goes to another host'],
  ]
  return rules.filter(([isBroken]) => isBroken).map(([, what]) => what)
}

/** The hosts of its probes and handlers; empty where it is the pod itself. */
function handlersOf({ startupProbe, readinessProbe, livenessProbe, lifecycle }: Container): string[] {
  return [startupProbe, readinessProbe, livenessProbe, lifecycle?.preStop, lifecycle?.postStart].flatMap(
    (handler) => [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''],
  )
}
