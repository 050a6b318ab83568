import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { BenchProtocol } from './settings.ts'

export const TARGET_NAMES = ['socket', 'tcp', 'sidecar'] as const

export type TargetName = (typeof TARGET_NAMES)[number]

/** One way to the same handler. */
export interface Target {
  readonly name: TargetName
  readonly endpoint: Endpoint
}

/** Several ways to the same handler, and how it is spoken to. */
export interface Ground extends AsyncDisposable {
  targets(protocol: BenchProtocol): readonly Target[]
  /** What is asked for over HTTP to get a body of that size, where there is a choice. */
  httpPath(sizeBytes: number | null): string
  /** Bytes that an echo has more than what was sent. */
  readonly echoOverheadBytes: number
  /** Which ways there are not, and why. */
  readonly missing: Partial<Record<TargetName, string>>
}
