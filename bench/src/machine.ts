import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { runToEnd } from './process/run-to-end.ts'

/** Where and with what the figures came about. */
export interface Machine {
  readonly date: string
  readonly revision: string
  readonly processor: string
  readonly processors: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly versions: Readonly<Record<string, string>>
  /** Of the last minute before anything was measured: what else the machine was doing. */
  readonly loadBefore: number
}

/** @param versions of what is measured, beside Node's */
export function describeMachine(versions: Machine['versions']): Machine {
  return {
    date: new Date().toISOString(),
    revision: process.env.REVISION ?? 'unknown',
    processor: cpus()[0]?.model.trim() ?? arch(),
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    versions: { node: process.versions.node, ...versions },
    loadBefore: loadavg()[0] ?? 0,
  }
}

/** Of the programs in the container that measures. */
export async function packageVersions(): Promise<Machine['versions']> {
  const packages = ['nginx', 'haproxy', 'socat', 'wrk']
  const format = '--showformat=$' + '{Package} $' + '{Version}\\n'
  const installed = await runToEnd(['dpkg-query', '--show', format, ...packages])
  const rows = installed.trim().split('\n')
  return Object.fromEntries(rows.map((row) => row.split(' ')))
}
