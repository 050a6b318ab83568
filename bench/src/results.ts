import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runToEnd } from './processes.ts'
import type { Settings } from './settings.ts'

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

/** Where and with what a suite was measured. */
export interface Machine {
  readonly date: string
  readonly revision: string
  readonly processor: string
  readonly processors: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly versions: Readonly<Record<string, string>>
  /** Load average of the minute before the suite began: how busy the machine was with other work. */
  readonly loadBefore: number
}

/** What a suite leaves in `bench/results`. */
export interface Result<T> {
  readonly machine: Machine
  readonly settings: Settings
  readonly result: T
}

/** Null: this suite was never run. */
export function resultOf<T>(suite: string): Result<T> | null {
  const path = `${RESULTS}${suite}.json`
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Result<T>) : null
}

export interface Circumstances {
  readonly settings: Settings
  /** Of the programs that are measured, beside Node. */
  readonly versions: Machine['versions']
}

/** Runs a suite and keeps its result, with a description of the machine. */
export async function keep(
  name: string,
  { settings, versions }: Circumstances,
  measure: (settings: Settings) => Promise<unknown>,
): Promise<void> {
  process.stderr.write(`${name}: measuring\n`)
  mkdirSync(RESULTS, { recursive: true })
  const machine = describeMachine(versions)
  const result = await measure(settings)
  writeFileSync(`${RESULTS}${name}.json`, `${JSON.stringify({ machine, settings, result })}\n`)
}

function describeMachine(versions: Machine['versions']): Machine {
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

/** Versions of the packages in the bench image. */
export async function packageVersions(): Promise<Machine['versions']> {
  const packages = ['nginx', 'haproxy', 'socat', 'wrk', 'openssl']
  const format = '--showformat=$' + '{Package} $' + '{Version}\\n'
  const installed = await runToEnd(['dpkg-query', '--show', format, ...packages])
  const rows = installed.trim().split('\n')
  return Object.fromEntries(rows.map((row) => row.split(' ')))
}
