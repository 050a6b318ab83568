import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Count } from '../../support/load-main.ts'
import type { PodmanMachine } from './podman-machine.ts'

interface UnderLoad {
  more(responses: number): Promise<void>
  /** Notes the process of a container. */
  seen(container: string): Promise<void>
}

/**
 * Does something under load. Throws when a request failed, when a socket file is another one afterwards, or when the
 * number of visits has not grown by one for each response to a POST.
 */
export async function keepsServing(
  t: TestContext,
  machine: PodmanMachine,
  what: string,
  endpoints: readonly string[],
  work: (load: UnderLoad) => Promise<void>,
): Promise<{ readonly pids: ReadonlySet<string> }> {
  const pids = new Set<string>()
  const [files, visits] = [await socketFiles(machine), await visitsOf(machine)]
  const load = machine.load(4, what, ...endpoints)
  await work({
    more: (responses) => load.more(responses),
    seen: async (container) => void pids.add(await machine.pidOf(container)),
  })
  await load.more(50)
  const counts = await load.end()
  t.diagnostic(figures(what, counts))
  assert.equal(await socketFiles(machine), files)
  if (what === 'POST /visits') {
    const sent = [...counts.values()].reduce((sum, { ok }) => sum + ok, 0)
    assert.equal(await visitsOf(machine), visits + sent)
  }
  return { pids }
}

/** Inode, mode, owner and group of each socket that systemd passes. */
function socketFiles(machine: PodmanMachine): Promise<string> {
  return machine.run('sh', '-c', 'stat --format="%n %i %a %U:%G" /run/uds/metrics/*.sock /run/uds/api/*.sock')
}

export async function visitsOf(machine: PodmanMachine): Promise<number> {
  const [, count = ''] = /"visits":(\d+)/.exec(await machine.get('http://127.0.0.1:8080/visits')) ?? []
  assert.match(count, /^\d+$/)
  return Number(count)
}

/** For the report. */
function figures(what: string, counts: ReadonlyMap<string, Count>): string {
  const each = [...counts].map(
    ([endpoint, { ok, slowestMs }]) => `${endpoint} ${ok}, slowest ${slowestMs} ms`,
  )
  return `${what}, none failed: ${each.join('; ')}`
}
