import { formatIdentity } from '@uds-sidecar/shared/bind/identity'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { inspectFile } from '@uds-sidecar/shared/inspect/inspect-file'
import { CliError } from '../cli/cli-error.ts'
import { routeBehind } from '../http/route-behind.ts'
import type { Route } from '../http/routes-schema.ts'
import type { Target } from './target.ts'

/** What one look at a target saw. */
export interface Look {
  /** `up`, or the code that says why it does not answer. */
  readonly state: string
  /** Milliseconds until the answer; null without one. */
  readonly ms: number | null
  /** Another text means that another socket stands there; null where that cannot be seen. */
  readonly socket: string | null
}

/** Whether a target answers, and how fast. */
export async function look(target: Target, timeoutMs: number): Promise<Omit<Look, 'socket'>> {
  const start = performance.now()
  try {
    await target.probe(timeoutMs)
    return { state: 'up', ms: performance.now() - start }
  } catch (error) {
    if (!(error instanceof Failure) && !(error instanceof CliError)) throw error
    return { state: error.code, ms: null }
  }
}

/** Which socket stands there. @param routes what the sidecar says of the sockets behind its ports */
export async function socketOf({ endpoint }: Target, routes: readonly Route[]): Promise<Look['socket']> {
  if (endpoint.kind !== 'unix') return routeBehind(routes, endpoint)?.generation.toString() ?? null
  const { facts } = await inspectFile(endpoint.path)
  return facts === null ? null : formatIdentity(facts.identity)
}
