import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { intruder } from '../stress/intruder.scenario.ts'
import { runScenario } from '../stress/run-scenario.ts'
import { requireRoot } from './as-user.ts'

requireRoot()

const SHORT = { starters: 2, rounds: 30, jitterMs: 0, seed: 1, only: [] }

describe('an intruder who connects in a loop while a server starts again and again', () => {
  it('never gets in where the bind protocol is used', async () => {
    const { violations, seen, error } = await runScenario(intruder('protocol'), SHORT)
    assert.deepEqual({ violations, error }, { violations: {}, error: undefined })
    assert.ok((seen.tries ?? 0) > 0)
  })

  it('gets in where a server listens first and then changes the mode', async () => {
    // A busy machine may not let the intruder run in the moment between the two, thirty times in a row.
    const { violations } = await runScenario(intruder('listen-chmod'), { ...SHORT, rounds: 300 })
    assert.ok((violations.intrusion ?? 0) > 0)
  })
})
