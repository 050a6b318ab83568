import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Load } from './load-process.ts'
import type { Scenario, Stage } from './scenario.ts'
import { within } from './within.ts'

const MODULE = new URL('./load-process.ts', import.meta.url)
const PATIENCE_MS = 30_000
/** Requests between two takeovers: 40,000 in 200 takeovers. */
const REQUESTS_PER_ROUND = 200

/** HTTP clients send requests, on kept and on new connections, while servers take over one after the other. None fails. */
export function takeoverUnderLoad(): Scenario {
  let clients: ChildProcess | undefined
  return {
    name: 'takeover-under-load',
    claim: 'no request fails while one server after the other takes over',
    way: 'protocol',
    expect: 'none',
    starters: () => 6,
    rounds: ({ rounds }) => rounds,
    round: async (stage) => {
      await takeOver(stage)
      clients ??= await startClients(stage.path)
      await someRequests(stage, clients)
      stage.tally.endRound()
    },
  }
}

async function takeOver({ path, pool, tally }: Stage): Promise<void> {
  while (pool.idle.length === 0) await Promise.race(pool.owners.map((owner) => owner.ended()))
  const options = { onConflict: 'takeover' } as const
  const outcome = await pool.idle[0]?.attempt({ path, way: 'protocol', atMs: 0, options, http: true })
  tally.count(outcome === 'owns' ? 'takeovers' : 'refused')
}

async function someRequests({ tally }: Stage, clients: ChildProcess): Promise<void> {
  const { requests = 0 } = tally.seen
  while ((tally.seen.requests ?? 0) < requests + REQUESTS_PER_ROUND) {
    const { keptConnections, newConnections, failed } = await loadOf(clients)
    tally.seen.requests = keptConnections + newConnections
    tally.seen.on_kept_connections = keptConnections
    const failures = Object.values(failed).reduce((sum, times) => sum + times, 0)
    for (const [code, times] of Object.entries(failed)) tally.seen[`request ${code}`] = times
    tally.violation('request_failed', failures - (tally.violations.request_failed ?? 0))
  }
}

async function loadOf(clients: ChildProcess): Promise<Load> {
  const report = once(clients, 'message')
  clients.send('report')
  const [load] = await within(PATIENCE_MS, 'the clients report', report)
  return load
}

async function startClients(path: string): Promise<ChildProcess> {
  const clients = fork(MODULE, [path], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await within(PATIENCE_MS, 'the clients are ready', once(clients, 'message'))
  clients.unref()
  clients.channel?.unref()
  return clients
}
