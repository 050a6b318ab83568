import type { Measured } from './measured.ts'

/** The numbers of a fleet: one sidecar in each pod. */
export interface Fleet {
  /** Through one sidecar. */
  readonly requestsPerSecond: number
  /** Idle client connections to one sidecar. */
  readonly connections: number
  /** Series that a scrape of one pod returns. */
  readonly series: number
  readonly scrapeIntervalS: number
  readonly pods: number
  readonly nodes: number
  /** Processors of a node. */
  readonly processors: number
  /** The memory limit of one sidecar. */
  readonly memoryMiB: number
  /** Descriptors that one sidecar may open. */
  readonly descriptors: number
}

/** Examples; the memory is that of `compose.yaml`, the interval and the descriptors are common. */
export const DEFAULTS: Fleet = {
  requestsPerSecond: 100,
  connections: 100,
  series: 1_000,
  scrapeIntervalS: 15,
  pods: 1_000,
  nodes: 100,
  processors: 4,
  memoryMiB: 256,
  descriptors: 1_048_576,
}

/** Defaults of the sidecar (services/sidecar/README.md). */
const MAX_CONNECTIONS = 4_096
const UPSTREAM_CONNECTIONS = 64
/** Of a sidecar with one HTTP route and all its operations connections (`services/sidecar/src/sidecar/plan-descriptors.ts`). */
const OWN_DESCRIPTORS = 163
/** The default of Prometheus. */
const SCRAPE_TIMEOUT_MS = 10_000

/** What the sidecars of a pod, of a node or of the whole fleet take. */
export interface Cost {
  readonly sidecars: number
  /** Processors that are busy. */
  readonly processors: number
  readonly memoryMiB: number
  /** At most, when every upstream connection is open. */
  readonly descriptors: number
  /** That Prometheus stores. */
  readonly samplesPerSecond: number
  readonly scrapesPerSecond: number
}

export interface Limit {
  readonly what: string
  readonly used: number
  readonly limit: number
  /** `used / limit`: the first limit is that with the largest. */
  readonly share: number
}

export interface Capacity {
  readonly pod: Cost
  readonly node: Cost
  readonly all: Cost
  /** How long one scrape of a pod takes. */
  readonly scrapeMs: number
  /** What one sidecar can take if nothing else of it grows. */
  readonly most: { readonly requestsPerSecond: number; readonly connections: number }
  /** The first limit first. */
  readonly limits: readonly Limit[]
}

export function capacityOf(fleet: Fleet, measured: Measured): Capacity {
  const { ms: scrapeMs, cpuMs } = scrapeOf(fleet.series, measured)
  const pod: Cost = {
    sidecars: 1,
    processors:
      (fleet.requestsPerSecond * measured.cpuUsPerRequest) / 1e6 + cpuMs / 1e3 / fleet.scrapeIntervalS,
    memoryMiB: (measured.bytesUnderLoad + fleet.connections * measured.bytesPerIdleConnection) / 2 ** 20,
    descriptors: OWN_DESCRIPTORS + UPSTREAM_CONNECTIONS + fleet.connections,
    samplesPerSecond: fleet.series / fleet.scrapeIntervalS,
    scrapesPerSecond: 1 / fleet.scrapeIntervalS,
  }
  const node = times(pod, Math.ceil(fleet.pods / fleet.nodes))
  const limits = [
    limit('the one processor that a sidecar can use', pod.processors, 1),
    limit('processors of a node', node.processors, fleet.processors),
    limit('connections of a route (limits.connections)', fleet.connections, MAX_CONNECTIONS),
    limit('memory limit of a sidecar, MiB', pod.memoryMiB, fleet.memoryMiB),
    limit('descriptors of a sidecar', pod.descriptors, fleet.descriptors),
    limit('time for a scrape, ms', scrapeMs, Math.min(SCRAPE_TIMEOUT_MS, fleet.scrapeIntervalS * 1e3)),
  ]
  return {
    pod,
    node,
    all: times(pod, fleet.pods),
    scrapeMs,
    most: mostOf(fleet, measured, cpuMs),
    limits: limits.sort((one, other) => other.share - one.share),
  }
}

function mostOf(fleet: Fleet, measured: Measured, scrapeCpuMs: number): Capacity['most'] {
  const leftUs = 1e6 - (scrapeCpuMs * 1e3) / fleet.scrapeIntervalS
  const leftBytes = fleet.memoryMiB * 2 ** 20 - measured.bytesUnderLoad
  const connections = Math.min(
    MAX_CONNECTIONS,
    leftBytes / measured.bytesPerIdleConnection,
    fleet.descriptors - OWN_DESCRIPTORS - UPSTREAM_CONNECTIONS,
  )
  return {
    requestsPerSecond: Math.max(0, Math.floor(leftUs / measured.cpuUsPerRequest)),
    connections: Math.max(0, Math.floor(connections)),
  }
}

function limit(what: string, used: number, most: number): Limit {
  return { what, used, limit: most, share: used / most }
}

function times(cost: Cost, count: number): Cost {
  return {
    sidecars: cost.sidecars * count,
    processors: cost.processors * count,
    memoryMiB: cost.memoryMiB * count,
    descriptors: cost.descriptors * count,
    samplesPerSecond: cost.samplesPerSecond * count,
    scrapesPerSecond: cost.scrapesPerSecond * count,
  }
}

/** Between two measured sizes on a line; below the smallest like it; past the largest in proportion to it. */
function scrapeOf(series: number, { scrapes }: Measured): { readonly ms: number; readonly cpuMs: number } {
  const above = scrapes.find((scrape) => scrape.series >= series)
  const below = scrapes.findLast((scrape) => scrape.series <= series)
  if (above !== undefined && below !== undefined && above !== below) {
    const part = (series - below.series) / (above.series - below.series)
    return {
      ms: below.ms + part * (above.ms - below.ms),
      cpuMs: below.cpuMs + part * (above.cpuMs - below.cpuMs),
    }
  }
  const nearest = above ?? below
  if (nearest === undefined) throw new Error('no scrape was measured')
  const factor = Math.max(1, series / nearest.series)
  return { ms: nearest.ms * factor, cpuMs: nearest.cpuMs * factor }
}

/** As lines of text. */
export function formatCapacity({ pod, node, all, scrapeMs, most, limits }: Capacity): string {
  const columns = [pod, node, all]
  const rows = [
    ['', 'a pod', 'a node', 'all'],
    ['sidecars', ...columns.map(({ sidecars }) => digits(sidecars))],
    ['processors busy', ...columns.map(({ processors }) => digits(processors))],
    ['memory, MiB', ...columns.map(({ memoryMiB }) => digits(memoryMiB))],
    ['descriptors at most', ...columns.map(({ descriptors }) => digits(descriptors))],
    ['scrapes per second', ...columns.map(({ scrapesPerSecond }) => digits(scrapesPerSecond))],
    ['samples per second', ...columns.map(({ samplesPerSecond }) => digits(samplesPerSecond))],
  ]
  const table = rows.map(
    ([what = '', ...cells]) => what.padEnd(20) + cells.map((cell) => cell.padStart(12)).join(''),
  )
  const used = limits.map(
    ({ what, used, limit, share }) =>
      `  ${`${digits(share * 100)} %`.padStart(9)}  ${what}: ${digits(used)} of ${digits(limit)}`,
  )
  return [
    ...table,
    '',
    `a scrape of a pod takes ${digits(scrapeMs)} ms`,
    `a sidecar reaches a limit at ${digits(most.requestsPerSecond)} requests per second, or at ${digits(most.connections)} connections`,
    '',
    'limits, the first one first:',
    ...used,
    '',
  ].join('\n')
}

/** Three significant digits, and no exponent. */
function digits(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US')
  return `${Number(value.toPrecision(3))}`
}
