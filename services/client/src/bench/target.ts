import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { BenchProtocol } from './settings.ts'

export const TARGET_NAMES = ['socket', 'tcp', 'sidecar'] as const

export type TargetName = (typeof TARGET_NAMES)[number]

/** One path to the handler. */
export interface Target {
  readonly name: TargetName
  readonly endpoint: Endpoint
}

/** Several paths to the same handler, and how to talk to it. */
export interface Ground extends AsyncDisposable {
  targets(protocol: BenchProtocol): readonly Target[]
  /** The HTTP path for a body of that size, if the server offers sizes. */
  httpPath(sizeBytes: number | null): string
  /** How many bytes an echo is longer than what was sent. */
  readonly echoOverheadBytes: number
  /** Which targets are missing, and why. */
  readonly missing: Partial<Record<TargetName, string>>
}
