import { type Check, notShown } from '../check.ts'
import type { Situation } from '../situation.ts'
import { justAnotherAddress } from './s01-just-another-address.ts'
import { echo } from './s03-echo.ts'
import { permissions } from './s04-permissions.ts'
import { httpOverASocket } from './s05-http-over-a-socket.ts'
import { oneSetOfHandlers } from './s06-one-set-of-handlers.ts'
import { offTheNetwork } from './s07-off-the-network.ts'
import { redis } from './s08-redis.ts'
import { staleOrMissing } from './s09-stale-or-missing.ts'
import { pathLimits } from './s10-path-limits.ts'
import { abstractNames } from './s11-abstract-names.ts'

/** Every check in the order of the requirements. */
export function allRows(situation: Situation): Check[] {
  return [
    ...justAnotherAddress(situation),
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
    elsewhere('S12', 'faster than loopback TCP', 'takes longer than a tour: client bench measures it'),
  ]
}

function elsewhere(row: string, what: string, reason: string): Check {
  return { row, what, expected: '-', observe: async () => notShown(reason) }
}
