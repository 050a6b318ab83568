import type { Exchanger } from '../exchange/exchanger.ts'
import { within } from '../exchange/within.ts'
import { type Load, STRAGGLER_MS } from './load.ts'

/** Each connection sends as soon as it has its answer. A connection that failed sends no more. */
export async function closedLoop(load: Load): Promise<void> {
  const { target, exchangers, durationMs, failed } = load
  const end = performance.now() + durationMs
  const bound = durationMs + STRAGGLER_MS
  const loops = exchangers.map((exchanger) => within(bound, target, [exchanger], loop(exchanger, end, load)))
  await Promise.all(loops.map((one) => one.catch(failed)))
}

async function loop(exchanger: Exchanger, end: number, { signal, answered }: Load): Promise<void> {
  for (let sent = performance.now(); sent < end && !signal.aborted; ) {
    await exchanger.exchange()
    const now = performance.now()
    answered(now - sent)
    sent = now
  }
}
