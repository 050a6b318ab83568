import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseArguments } from '../scripts/capacity/arguments.ts'
import { capacityOf, DEFAULTS, formatCapacity } from '../scripts/capacity/capacity.ts'
import { type Measured, readMeasured } from '../scripts/capacity/measured.ts'

const PAGE = join(import.meta.dirname, 'capacity.md')
const PROGRAM = join(import.meta.dirname, '../scripts/capacity/main.ts')

function run(...args: string[]) {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' })
}

describe('docs/capacity.md', () => {
  const page = readFileSync(PAGE, 'utf8')
  const update = (text: string) =>
    text
      .replace(
        /(```\n\$ node scripts\/capacity\/main\.ts (.*)\n)[^`]*/g,
        (_, command: string, args: string) => {
          return `${command}${run(...args.split(' ')).stdout}`
        },
      )
      .replace(/^(\| CPU time of one request .*: )[\d,]+ µs/m, `$1${digits(measured.cpuUsPerRequest)} µs`)
      .replace(
        /^(\| memory of the process .*: )[\d,]+ MiB/m,
        `$1${digits(measured.bytesUnderLoad / 2 ** 20)} MiB`,
      )
      .replace(
        /^(\| memory of one idle .*: )[\d,]+ bytes/m,
        `$1${digits(measured.bytesPerIdleConnection)} bytes`,
      )
      .replace(/^(\| time, and CPU .* one scrape: )[^|]*/m, `$1${scrapes} `)
  const measured = readMeasured()
  const scrapes = measured.scrapes
    .map(
      ({ series, ms, cpuMs }) => `${ms.toFixed(1)} and ${cpuMs.toFixed(1)} ms with ${digits(series)} series`,
    )
    .join(', ')

  it('shows what the program prints and bench/results holds', () => {
    if (process.env.UPDATE_PAGE === '1') writeFileSync(PAGE, update(page))
    assert.equal(
      readFileSync(PAGE, 'utf8'),
      update(page),
      'run UPDATE_PAGE=1 node --test docs/capacity.test.ts, and read whether its sentences still hold',
    )
  })

  it('shows three runs, and a value of each figure', () => {
    assert.equal(page.match(/^\$ node scripts\/capacity\/main\.ts /gm)?.length, 3)
    assert.equal(page.match(/^limits, the first one first:$/gm)?.length, 3)
    assert.doesNotMatch(page, /MEASURED_/)
  })
})

function digits(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

const MEASURED: Measured = {
  cpuUsPerRequest: 100,
  bytesUnderLoad: 100 * 2 ** 20,
  bytesPerIdleConnection: 2 ** 12,
  scrapes: [
    { series: 100, ms: 2, cpuMs: 1 },
    { series: 1_000, ms: 11, cpuMs: 10 },
    { series: 10_000, ms: 101, cpuMs: 100 },
  ],
}

describe('the capacity of a fleet', () => {
  const fleet = {
    ...DEFAULTS,
    requestsPerSecond: 1_000,
    connections: 256,
    series: 1_000,
    scrapeIntervalS: 10,
  }

  it('adds what requests, connections and scrapes cost', () => {
    const { pod } = capacityOf(fleet, MEASURED)
    assert.ok(Math.abs(pod.processors - 0.101) < 1e-9, `${pod.processors}`)
    assert.deepEqual(
      [pod.sidecars, pod.memoryMiB, pod.samplesPerSecond, pod.scrapesPerSecond, pod.descriptors],
      [1, 101, 100, 0.1, 163 + 64 + 256],
    )
  })

  it('gives a node the pods that it gets, rounded up, and the fleet all', () => {
    const { node, all } = capacityOf({ ...fleet, pods: 25, nodes: 10 }, MEASURED)
    assert.deepEqual([node.sidecars, node.memoryMiB], [3, 303])
    assert.deepEqual([all.sidecars, all.memoryMiB, all.samplesPerSecond], [25, 2_525, 2_500])
  })

  it('takes the time of a scrape from the line between two that were measured', () => {
    const msOf = (series: number) => capacityOf({ ...fleet, series }, MEASURED).scrapeMs
    assert.deepEqual([1, 100, 550, 1_000, 5_500, 10_000, 30_000].map(msOf), [2, 2, 6.5, 11, 56, 101, 303])
  })

  it('names the limit first that is nearest', () => {
    const firstOf = (change: Partial<typeof DEFAULTS>) =>
      capacityOf({ ...fleet, ...change }, MEASURED).limits[0]?.what
    assert.match(firstOf({ requestsPerSecond: 9_000, nodes: 1_000 }) ?? '', /one processor/)
    assert.match(firstOf({ requestsPerSecond: 9_000, nodes: 10 }) ?? '', /of a node/)
    assert.match(firstOf({ connections: 4_000, memoryMiB: 1_000 }) ?? '', /limits\.connections/)
    assert.match(firstOf({ memoryMiB: 102 }) ?? '', /memory/)
    assert.match(firstOf({ descriptors: 490 }) ?? '', /descriptors/)
    assert.match(firstOf({ series: 1_000_000, scrapeIntervalS: 60, memoryMiB: 1_000 }) ?? '', /scrape/)
  })

  it('says how much one sidecar can take', () => {
    assert.deepEqual(capacityOf(fleet, MEASURED).most, { requestsPerSecond: 9_990, connections: 4_096 })
    assert.equal(capacityOf({ ...fleet, memoryMiB: 101 }, MEASURED).most.connections, 256)
    assert.equal(capacityOf({ ...fleet, memoryMiB: 50 }, MEASURED).most.connections, 0)
    assert.equal(capacityOf({ ...fleet, descriptors: 300 }, MEASURED).most.connections, 73)
  })

  it('is text with the first limit first', () => {
    const lines = formatCapacity(capacityOf({ ...fleet, memoryMiB: 101 }, MEASURED)).split('\n')
    assert.equal(
      lines[lines.indexOf('limits, the first one first:') + 1],
      '      100 %  memory limit of a sidecar, MiB: 101 of 101',
    )
  })
})

describe('the arguments of the simulation', () => {
  it('change the numbers that they name', () => {
    const given = parseArguments(['--pods', '7', '--requests-per-second=0', '--json'])
    assert.deepEqual(given, {
      fleet: { ...DEFAULTS, pods: 7, requestsPerSecond: 0 },
      json: true,
      help: false,
    })
  })

  for (const [args, message] of [
    [['--pods', '0'], '--pods "0" must be a whole number from 1 to 10000000, in digits only'],
    [['--pods=-1'], '--pods "-1" must be a whole number from 1 to 10000000, in digits only'],
    [['--nodes', '1.5'], '--nodes "1.5" must be a whole number from 1 to 1000000, in digits only'],
    [['--memory', '1e3'], '--memory "1e3" must be a whole number from 1 to 1000000, in digits only'],
    [['--series'], '--series "" must be a whole number from 1 to 1000000, in digits only'],
    [['--pods', '1', '--pods', '2'], '--pods is given twice: give it once'],
    [['--podz', '1'], '"--podz" is no option: see --help'],
    [['-p', '1'], '"-p" is no option: see --help'],
    [['100'], '"100" is no option: see --help'],
    [['--json=1'], '--json takes no value, not even "1": leave it out'],
  ] as const)
    it(`are refused when they are ${args.join(' ')}`, () => assert.equal(parseArguments(args), message))

  it('that are wrong end the program with 64, and print nothing on its output', () => {
    const { status, stdout, stderr } = run('--pods', 'many')
    assert.deepEqual(
      [status, stdout, stderr],
      [64, '', 'capacity: --pods "many" must be a whole number from 1 to 10000000, in digits only\n'],
    )
  })

  it('--json prints the numbers that the page rounds, --help every option', () => {
    const { pod, limits, measured } = JSON.parse(run('--json').stdout)
    assert.equal(pod.sidecars, 1)
    assert.deepEqual(measured, readMeasured())
    assert.ok(limits[0].share >= limits[1].share)
    assert.match(run('--help').stdout, /--scrape-interval +in seconds; default 15/)
  })
})
