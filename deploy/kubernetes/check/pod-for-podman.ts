import * as v from 'valibot'
import { type Manifest, only } from './manifests.ts'

const probe = v.looseObject({
  httpGet: v.optional(
    v.looseObject({
      path: v.string(),
      port: v.union([v.string(), v.number()]),
      scheme: v.optional(v.string()),
    }),
  ),
})
const container = v.looseObject({
  name: v.string(),
  image: v.string(),
  restartPolicy: v.optional(v.string()),
  ports: v.optional(v.array(v.looseObject({ name: v.string(), containerPort: v.number() })), []),
  securityContext: v.looseObject({
    seccompProfile: v.optional(v.looseObject({ type: v.string(), localhostProfile: v.optional(v.string()) })),
  }),
  startupProbe: v.optional(probe),
  readinessProbe: v.optional(probe),
  livenessProbe: v.optional(probe),
})
const deployment = v.looseObject({
  spec: v.looseObject({
    template: v.looseObject({
      spec: v.looseObject({
        volumes: v.array(v.looseObject({ name: v.string(), emptyDir: v.optional(v.unknown()) })),
        initContainers: v.array(container),
        containers: v.array(container),
      }),
    }),
  }),
})

type Container = v.InferOutput<typeof container>
type Probe = v.InferOutput<typeof probe>

/** What podman runs, and the commands of the probes, which it does not run itself without systemd. */
export interface PodmanPod {
  readonly objects: readonly object[]
  /** By container: the commands by which its startup, readiness and liveness probe ask. */
  readonly probes: ReadonlyMap<string, Readonly<Record<ProbeName, readonly string[] | undefined>>>
}

const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'] as const
export type ProbeName = (typeof PROBES)[number]

/** The kubelet may run init containers again on the same volumes; podman does at each restart if told so. */
const INIT_AGAIN = ['io.podman.annotations.init.container.type', 'always'] as const

/**
 * The pod of a Deployment, with its ConfigMaps, as `podman kube play` 5.4 can run it. Everything is kept but what podman
 * does not know:
 * - It waits for the end of each init container, and native sidecars have none: they become containers.
 * - A volume in memory would be another one for each container: they become directories on the disk.
 * - It reads the seccomp profile of a container from the annotation that came before the field.
 * - It turns httpGet into curl, which the images do not have: `probes` has the same requests as commands.
 * - It gives no names to ports of probes, and knows no preStop.
 * @param tag of the images, in place of that of the manifests
 */
export function podForPodman(manifests: readonly Manifest[], tag: string): PodmanPod {
  const { template } = v.parse(deployment, only(manifests, 'Deployment')).spec
  const { volumes, initContainers, containers, ...spec } = template.spec
  const native = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const running = [...native, ...containers]
  const steps = initContainers.filter((one) => !native.includes(one))
  const annotations = [...steps, ...running].flatMap(({ name, securityContext: { seccompProfile } }) =>
    seccompProfile?.type === 'Localhost'
      ? [
          [
            `container.seccomp.security.alpha.kubernetes.io/${name}`,
            `localhost/${seccompProfile.localhostProfile}`,
          ],
        ]
      : [],
  )
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'uds-sidecar', annotations: Object.fromEntries([INIT_AGAIN, ...annotations]) },
    spec: {
      ...spec,
      volumes: volumes.map((volume) => ('emptyDir' in volume ? { ...volume, emptyDir: {} } : volume)),
      initContainers: steps.map((one) => playable(one, tag)),
      containers: running.map((one) => playable(one, tag)),
    },
  }
  return {
    objects: [...manifests.filter(({ kind }) => kind === 'ConfigMap'), pod],
    probes: new Map(running.map((one) => [one.name, commandsOf(one)])),
  }
}

function playable({ image, ...rest }: Container, tag: string): object {
  const omitted = new Set<string>([...PROBES, 'restartPolicy', 'lifecycle'])
  const kept = Object.entries(rest).filter(([key]) => !omitted.has(key))
  return {
    ...Object.fromEntries(kept),
    image: image.replace(/:[^:/]*$/, `:${tag}`),
    imagePullPolicy: 'Never',
  }
}

function commandsOf(one: Container): Record<ProbeName, readonly string[] | undefined> {
  const { startupProbe, readinessProbe, livenessProbe } = one
  return {
    startupProbe: commandOf(startupProbe, one),
    readinessProbe: commandOf(readinessProbe, one),
    livenessProbe: commandOf(livenessProbe, one),
  }
}

const execSchema = v.looseObject({ exec: v.looseObject({ command: v.array(v.string()) }) })

function commandOf(asked: Probe | undefined, { name, ports }: Container): readonly string[] | undefined {
  if (asked === undefined) return undefined
  const { httpGet } = asked
  if (httpGet === undefined) return v.parse(execSchema, asked).exec.command
  if (httpGet.scheme !== undefined)
    throw new Error(`${name}: a probe over ${httpGet.scheme} is not translated`)
  const port = ports.find((one) => one.name === httpGet.port)?.containerPort ?? httpGet.port
  if (typeof port === 'string') throw new Error(`${name}: a probe asks the port ${port}, and there is none`)
  return ['node', 'bundle/healthcheck.mjs', `tcp://127.0.0.1:${port}`, httpGet.path]
}
