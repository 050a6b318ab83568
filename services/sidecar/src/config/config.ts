import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { AllowRule } from '../policy/allow-list.ts'
import type { Bounds, HTTP_LIMITS, HTTP_TIMEOUTS, STREAM_LIMITS, STREAM_TIMEOUTS } from './bounds.ts'

/** Everything the sidecar was told, validated whole and frozen. */
export interface Config {
  /** Where the operations port listens; null: off. */
  readonly ops: Endpoint | null
  readonly drainMs: number
  readonly routes: readonly Route[]
}

export type Route = StreamRoute | HttpRoute

interface RouteBase {
  /** The metric label and the name in messages. */
  readonly name: string
  readonly listen: Endpoint
  readonly upstream: Endpoint
  /** Whether `limits.connections` was set; it is the default else, and fewer where descriptors do not suffice. */
  readonly isConnectionsSet: boolean
}

/** Bytes relayed as they come, both ways. */
export interface StreamRoute extends RouteBase {
  readonly kind: 'stream'
  readonly timeoutsMs: Bounds<typeof STREAM_TIMEOUTS>
  readonly limits: Bounds<typeof STREAM_LIMITS>
}

/** HTTP/1.1 requests that are on the allow list. */
export interface HttpRoute extends RouteBase {
  readonly kind: 'http'
  readonly allow: readonly AllowRule[]
  /** Request fields, in lower case, that are forwarded although they would be dropped. */
  readonly passFields: readonly string[]
  readonly timeoutsMs: Bounds<typeof HTTP_TIMEOUTS>
  readonly limits: Bounds<typeof HTTP_LIMITS>
}
