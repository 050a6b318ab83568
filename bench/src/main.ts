import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeMachine } from './machine.ts'
import { loadSettings } from './settings.ts'
import { SUITES } from './suites/all.ts'

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

/** Runs the suites one after the other and keeps what each brought, with the machine it was measured on. */
const settings = loadSettings(process.env, Object.keys(SUITES))
mkdirSync(RESULTS, { recursive: true })
for (const name of settings.suites) {
  process.stderr.write(`${name}: measuring\n`)
  const machine = await describeMachine()
  const result = await SUITES[name]?.(settings)
  writeFileSync(`${RESULTS}${name}.json`, `${JSON.stringify({ machine, settings, result })}\n`)
}
