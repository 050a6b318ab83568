import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeMachine, type Machine } from './machine.ts'
import type { Settings } from './settings.ts'

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

export interface Circumstances {
  readonly settings: Settings
  readonly versions: Machine['versions']
}

/** Runs a suite and keeps what it brought, with the machine it was measured on. */
export async function keep(
  name: string,
  { settings, versions }: Circumstances,
  suite: (settings: Settings) => Promise<unknown>,
): Promise<void> {
  process.stderr.write(`${name}: measuring\n`)
  mkdirSync(RESULTS, { recursive: true })
  const machine = describeMachine(versions)
  const result = await suite(settings)
  writeFileSync(`${RESULTS}${name}.json`, `${JSON.stringify({ machine, settings, result })}\n`)
}
