import { existsSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'

// Loaded into the app before its own code, by e2e/compose/held-responses.yaml; e2e/support/held-responses.ts is the other half.

/** How many requests wait. */
const HELD = '/run/app/metrics/held'
const GO_ON = '/run/app/metrics/go-on'
/** The longest delay that the app's admin socket takes: it stands for "until you are told". */
const DELAY_MS = 60_000

const pause = timers.setTimeout
let held = 0

async function hold<T>(delayMs?: number, value?: T): Promise<T> {
  if (delayMs !== DELAY_MS) return pause(delayMs, value)
  held += 1
  writeFileSync(HELD, String(held))
  while (!existsSync(GO_ON)) await pause(5)
  return pause(0, value)
}

timers.setTimeout = hold as typeof timers.setTimeout
syncBuiltinESMExports()
