import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectFile } from '@uds-sidecar/shared/inspect/inspect-file'
import { type Check, notShown, type Observation, seen } from '../check.ts'
import { refusal } from '../refusal.ts'
import type { Situation } from '../situation.ts'
import { whyPermitted } from '../why-permitted.ts'

/** S4: file permissions decide who may connect, the directory's too. */
export function permissions({ config }: Situation): Check[] {
  return [
    mode(config.api, '0660'),
    mode(config.admin, '0600'),
    denied(config.admin, 'connect: only its owner may', { groupCounts: false }),
    denied(config.metrics, 'connect: only its group may', { groupCounts: true }),
  ]
}

function mode(endpoint: Endpoint, expected: string): Check {
  return {
    row: 'S4',
    what: 'look at its mode',
    endpoint,
    expected,
    observe: async () =>
      endpoint.kind === 'unix' ? modeAt(endpoint.path, expected) : notShown('it has no file'),
  }
}

async function modeAt(path: string, expected: string): Promise<Observation> {
  const { facts, errno } = await inspectFile(path)
  const observed = facts === null ? `${errno}` : formatMode(facts.mode)
  return seen(observed, observed === expected)
}

function denied(endpoint: Endpoint, what: string, options: { groupCounts: boolean }): Check {
  return {
    row: 'S4',
    what,
    endpoint,
    expected: 'socket_denied',
    async observe() {
      const reason = await whyPermitted(endpoint, options)
      if (reason !== undefined) return notShown(`nothing to refuse here: ${reason}`)
      return refusal('socket_denied', async () => (await dial(endpoint)).destroy())
    },
  }
}
