import { setTimeout as pause } from 'node:timers/promises'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { stateOf } from './state-of.ts'
import type { Target } from './target.ts'

export interface Change {
  /** ISO 8601. */
  readonly time: string
  readonly name: string
  readonly endpoint: string
  /** `up` or a failure's code. */
  readonly state: string
  /** The state before; absent the first time. */
  readonly was?: string
}

interface Pace {
  readonly intervalMs: number
  readonly signal: AbortSignal
}

/** Asks every target once each `intervalMs` and yields what changed, until the signal aborts. */
export async function* changes(
  targets: readonly Target[],
  { intervalMs, signal }: Pace,
): AsyncGenerator<Change> {
  const states = new Map<Target, string>()
  while (!signal.aborted) {
    const tick = pause(intervalMs, undefined, { signal }).catch(() => undefined)
    const now = await Promise.all(targets.map((target) => stateOf(target, intervalMs)))
    for (const [i, target] of targets.entries()) {
      const was = states.get(target)
      const state = now[i] ?? 'up'
      states.set(target, state)
      if (state !== was) yield change(target, state, was)
    }
    await tick
  }
}

function change({ name, endpoint }: Target, state: string, was: string | undefined): Change {
  const time = new Date().toISOString()
  return { time, name, endpoint: formatEndpoint(endpoint), state, ...(was === undefined ? {} : { was }) }
}
