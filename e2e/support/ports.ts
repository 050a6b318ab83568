/** What compose.yaml publishes, by the name of its variable. */
export const PORTS = {
  metrics: { service: 'sidecar', number: 9464 },
  api: { service: 'sidecar', number: 8080 },
  echo: { service: 'sidecar', number: 7070 },
  ops: { service: 'sidecar', number: 9901 },
  prometheus: { service: 'prometheus', number: 9090 },
} as const

export type PortName = keyof typeof PORTS
