import { type Check, notShown, type Situation } from '../check.ts'
import { abstractNames, pathLimits, redis, staleOrMissing } from './endpoints.ts'
import { offTheNetwork, permissions } from './permissions.ts'
import { echo, httpOverASocket, oneSetOfHandlers, sameProcess } from './serving.ts'

/** Every check in the order of the requirements. */
export function allRows(situation: Situation): Check[] {
  return [
    ...sameProcess(situation),
    elsewhere('S2', 'echo over an in-memory pair', 'needs the handler in this process: npm test shows it'),
    ...echo(situation),
    ...permissions(situation),
    ...httpOverASocket(situation),
    ...oneSetOfHandlers(situation),
    ...offTheNetwork(situation),
    ...redis(situation),
    ...staleOrMissing(),
    ...pathLimits(),
    ...abstractNames(),
    elsewhere('S12', 'faster than loopback TCP', 'takes too long here: client bench measures it'),
  ]
}

function elsewhere(row: string, what: string, reason: string): Check {
  return { row, what, expected: '-', observe: async () => notShown(reason) }
}
