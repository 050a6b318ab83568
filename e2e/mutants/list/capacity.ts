import type { Mutant } from '../mutant.ts'

const TEST = 'docs/capacity.test.ts'
const CAPACITY_TS = 'scripts/capacity/capacity.ts'
const ARGUMENTS_TS = 'scripts/capacity/arguments.ts'
const MEASURED_TS = 'scripts/capacity/measured.ts'

/** The simulation of `docs/capacity.md`. */
export const capacity: readonly Mutant[] = [
  {
    name: 'capacity: a scrape costs no processor time',
    file: CAPACITY_TS,
    find: 'cpuMs / 1e3 / fleet.scrapeIntervalS,',
    replace: '0 * cpuMs,',
    killers: [TEST],
  },
  {
    name: 'capacity: a node gets part of a pod',
    file: CAPACITY_TS,
    find: 'Math.ceil(fleet.pods / fleet.nodes)',
    replace: 'fleet.pods / fleet.nodes',
    killers: [TEST],
  },
  {
    name: 'capacity: the last limit comes first',
    file: CAPACITY_TS,
    find: 'other.share - one.share',
    replace: 'one.share - other.share',
    killers: [TEST],
  },
  {
    name: 'capacity: connections need no memory',
    file: CAPACITY_TS,
    find: 'fleet.connections * measured.bytesPerIdleConnection)',
    replace: '0 * measured.bytesPerIdleConnection)',
    killers: [TEST],
  },
  {
    name: 'capacity: more series than were measured cost no more',
    file: CAPACITY_TS,
    find: 'const factor = Math.max(1, series / nearest.series)',
    replace: 'const factor = 1',
    killers: [TEST],
  },
  {
    name: 'capacity: memory does not limit connections',
    file: CAPACITY_TS,
    find: '    leftBytes / measured.bytesPerIdleConnection,\n',
    replace: '    leftBytes,\n',
    killers: [TEST],
  },
  {
    name: 'capacity: the figures are those of another proxy',
    file: MEASURED_TS,
    find: "candidate === 'sidecar' && load.bytes",
    replace: "candidate === 'nginx' && load.bytes",
    killers: [TEST],
  },
  {
    name: 'capacity: numbers may have any value',
    file: ARGUMENTS_TS,
    find: 'if (number >= min && number <= max) return number',
    replace: 'if (number >= -min || number <= max) return number',
    killers: [TEST],
  },
  {
    name: 'capacity: numbers may have any form',
    file: ARGUMENTS_TS,
    find: '/^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN',
    replace: "text === '' ? Number.NaN : Number(text)",
    killers: [TEST],
  },
  {
    name: 'capacity: an option that does not exist is ignored',
    file: ARGUMENTS_TS,
    find: 'if (option === undefined) return',
    replace: 'if (option === undefined) continue\n    if (option === null) return',
    killers: [TEST],
  },
  {
    name: 'capacity: the last of two values counts',
    file: ARGUMENTS_TS,
    find: 'if (given.has(name)) return',
    replace: "if (given.has('')) return",
    killers: [TEST],
  },
  {
    name: 'capacity: wrong arguments end with 0',
    file: 'scripts/capacity/main.ts',
    find: '  process.exitCode = EXIT.usage\n',
    replace: '  void EXIT\n',
    killers: [TEST],
  },
]
