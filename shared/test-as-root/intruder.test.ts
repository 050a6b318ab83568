import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { requireRoot } from '../src/testing/users.ts'
import { intruder } from '../stress/intruder.scenario.ts'
import { runScenario } from '../stress/run-scenario.ts'

requireRoot()

const SHORT = { starters: 2, rounds: 30, jitterMs: 0, seed: 1, only: [] }

describe('a user outside the group who connects in a loop while a server starts repeatedly', () => {
  it('never gets a connection with the bind protocol', async () => {
    const { violations, seen, error } = await runScenario(intruder('protocol'), SHORT)
    assert.deepEqual({ violations, error }, { violations: {}, error: undefined })
    const stops = [seen['stops before chmod'], seen['stops before rename']]
    assert.deepEqual(stops, [SHORT.rounds, SHORT.rounds], 'he tried at each step of each start')
    assert.ok((seen.tries ?? 0) >= 3 * 3 * SHORT.rounds)
  })

  it('gets a connection if a server listens first and then changes the mode', async () => {
    const { violations, seen } = await runScenario(intruder('listen-chmod'), { ...SHORT, rounds: 1 })
    assert.equal(seen['stops before chmod'], 1)
    assert.ok((violations.intrusion ?? 0) > 0)
  })
})
