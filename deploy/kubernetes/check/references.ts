import * as v from 'valibot'
import { type Manifest, only } from './manifests.ts'

const labels = v.record(v.string(), v.string())
const selector = v.looseObject({ matchLabels: labels })
const port = v.union([v.string(), v.number()])

const container = v.looseObject({
  ports: v.optional(v.array(v.looseObject({ name: v.string(), containerPort: v.number() })), []),
})
const podTemplate = v.looseObject({
  metadata: v.looseObject({ labels }),
  spec: v.looseObject({
    initContainers: v.array(container),
    containers: v.array(container),
    volumes: v.array(
      v.looseObject({
        configMap: v.optional(v.looseObject({ name: v.string() })),
      }),
    ),
  }),
})

/** Of each kind that refers to the pod: its labels and its ports. */
const REFERS = {
  Deployment: v.pipe(
    v.looseObject({ selector }),
    v.transform((spec) => ({ labels: spec.selector.matchLabels, ports: [] })),
  ),
  Service: v.pipe(
    v.looseObject({ selector: labels, ports: v.array(v.looseObject({ targetPort: port })) }),
    v.transform((spec) => ({ labels: spec.selector, ports: spec.ports.map(({ targetPort }) => targetPort) })),
  ),
  NetworkPolicy: v.pipe(
    v.looseObject({
      podSelector: selector,
      ingress: v.array(v.looseObject({ ports: v.array(v.looseObject({ port })) })),
    }),
    v.transform((spec) => ({
      labels: spec.podSelector.matchLabels,
      ports: spec.ingress.flatMap(({ ports }) => ports.map((one) => one.port)),
    })),
  ),
  PodDisruptionBudget: v.pipe(
    v.looseObject({ selector }),
    v.transform((spec) => ({ labels: spec.selector.matchLabels, ports: [] })),
  ),
  PodMonitor: v.pipe(
    v.looseObject({ selector, podMetricsEndpoints: v.array(v.looseObject({ port })) }),
    v.transform((spec) => ({
      labels: spec.selector.matchLabels,
      ports: spec.podMetricsEndpoints.map((one) => one.port),
    })),
  ),
} as const

/**
 * What the manifests refer to and what is not there: no server complains about a Service whose port has no container, or
 * a NetworkPolicy that selects nobody. Secrets are made by somebody else.
 * @returns a line for each; empty if there is none
 */
export function danglingReferences(manifests: readonly Manifest[]): string[] {
  const deployment = only(manifests, 'Deployment')
  const schema = v.looseObject({ spec: v.looseObject({ template: podTemplate }) })
  const { metadata, spec } = v.parse(schema, deployment).spec.template
  const ports = [...spec.initContainers, ...spec.containers].flatMap((one) => one.ports)
  const known = new Set<string | number>(ports.flatMap(({ name, containerPort }) => [name, containerPort]))
  const configMaps = manifests.filter(({ kind }) => kind === 'ConfigMap').map((one) => one.metadata.name)
  const referring = manifests.flatMap(({ kind, spec }) => {
    const [, reader] = Object.entries(REFERS).find(([name]) => name === kind) ?? []
    return reader === undefined ? [] : [{ kind, ...v.parse(reader, spec) }]
  })
  return [
    ...referring.flatMap(({ kind, labels }) =>
      Object.entries(labels)
        .filter(([key, value]) => metadata.labels[key] !== value)
        .map(([key, value]) => `${kind} selects ${key}: ${value}, and the pod has no such label`),
    ),
    ...referring.flatMap(({ kind, ports }) =>
      ports
        .filter((one) => !known.has(one))
        .map((one) => `${kind} names the port ${one}, and no container has it`),
    ),
    ...spec.volumes.flatMap(({ configMap }) =>
      configMap === undefined || configMaps.includes(configMap.name)
        ? []
        : [`the pod mounts the ConfigMap ${configMap.name}, and there is none`],
    ),
  ]
}
