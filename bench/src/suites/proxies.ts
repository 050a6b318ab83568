import { CANDIDATES } from '../candidates/all.ts'
import { type Running, start } from '../candidates/start.ts'
import type { Figure, LoadShape } from '../figure.ts'
import { BODIES, startGround } from '../ground/ground.ts'
import { median } from '../median.ts'
import type { Settings } from '../settings.ts'
import { measureRound } from './measure-round.ts'

const FIRST_PORT = 10_001
const SECONDS = 1

/** Every candidate before the same upstream, under the same loads, in turn. */
export async function proxies(settings: Settings): Promise<Figure[]> {
  await using ground = await startGround()
  await using stack = new AsyncDisposableStack()
  const all: Running[] = []
  const chosen = CANDIDATES.filter(({ name }) => settings.candidates.includes(name))
  for (const [i, candidate] of chosen.entries())
    all.push(stack.use(await start(candidate, ground, FIRST_PORT + i)))
  await warmUp(all)
  const closed = await interleaved(all, CLOSED_LOADS, settings.rounds)
  return [...closed, ...(await interleaved(all, constantLoads(closed), settings.rounds))]
}

const CLOSED_LOADS: readonly LoadShape[] = BODIES.flatMap((bytes) => [
  ...[1, 32, 256].map((connections) => ({ bytes, connections, close: false, ratePerSecond: null })),
  { bytes, connections: 32, close: true, ratePerSecond: null },
])

/** Half of what the slowest could do with as many connections. */
function constantLoads(figures: readonly Figure[]): LoadShape[] {
  return BODIES.map((bytes) => {
    const same = figures.filter(({ load }) => load.bytes === bytes && load.connections === 32 && !load.close)
    const slowest = Math.min(...same.map(throughput))
    return { bytes, connections: 32, close: false, ratePerSecond: Math.round(slowest / 2) }
  })
}

function throughput({ rounds }: Figure): number {
  return median(rounds.map(({ requests, seconds }) => requests / seconds))
}

/** Compiled code and filled pools before anything counts. */
async function warmUp(all: readonly Running[]): Promise<void> {
  for (const running of all)
    for (const bytes of BODIES)
      await measureRound(running, { bytes, connections: 32, close: false, ratePerSecond: null }, SECONDS)
}

/** A B C … A B C …, so that whatever else the machine does hits all of them; who comes first changes. */
async function interleaved(
  all: readonly Running[],
  loads: readonly LoadShape[],
  rounds: number,
): Promise<Figure[]> {
  const figures: Figure[] = loads.flatMap((load) =>
    all.map(({ candidate }) => ({ candidate: candidate.name, load, rounds: [] })),
  )
  for (let round = 0; round < rounds; round++) {
    for (const [i, load] of loads.entries())
      for (let k = 0; k < all.length; k++) {
        const which = (k + round) % all.length
        const running = all[which] as Running
        const measured = await measureRound(running, load, SECONDS)
        figures[i * all.length + which]?.rounds.push(measured)
      }
    process.stderr.write(`proxies: round ${round + 1} of ${rounds}\n`)
  }
  return figures
}
