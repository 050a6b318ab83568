import type { Inspection } from '@uds-sidecar/shared/inspect/inspect'
import type { Conversation } from './conversation.ts'
import type { Place } from './place.ts'

/** Everything that the findings go by. */
export interface Facts {
  readonly place: Place
  readonly inspection: Inspection
  /** Null where there was no connection. */
  readonly conversation: Conversation | null
  /** Other sockets beside one that is missing, where the directory may be read. */
  readonly neighbours: readonly string[]
  /** Milliseconds that an answer had. */
  readonly timeoutMs: number
}
