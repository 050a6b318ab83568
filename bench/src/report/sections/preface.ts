import { SUITE_NAMES } from '../../suites/names.ts'
import { resultOf } from '../results.ts'
import { type Section, section } from '../section.ts'
import { digits } from '../spread.ts'
import { table } from '../table.ts'

/** Where, when and beside what else each suite was run. */
export function preface(): Section {
  const runs = SUITE_NAMES.flatMap((suite) => {
    const found = resultOf(suite)
    return found === null ? [] : [{ suite, ...found }]
  })
  const rows = runs.map(({ suite, machine, settings }) => [
    suite,
    machine.date.slice(0, 16).replace('T', ' '),
    machine.revision,
    `${settings.rounds}`,
    digits(machine.loadBefore),
  ])
  const { machine } = runs[0] ?? {}
  if (machine === undefined) return section('Machine', ['Nothing was measured yet: `make bench`.'])
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  return section('Machine', [
    `${machine.processors} × ${machine.processor}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}; ${versions.join(', ')}.`,
    table(['suite', 'when (UTC)', 'revision', 'rounds', 'load before'], rows),
    'The load is the average of the minute before the suite began: well under 1 on a machine that does nothing else. Where it is more, others took their share of the processors, latencies and throughput are worse than they would be, and only what lies far apart is different.',
  ])
}
