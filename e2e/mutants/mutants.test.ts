// Each mutant still finds what it breaks: a list that has gone stale would be noticed only by whoever runs it next.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REPOSITORY } from '../support/run.ts'
import { staleness } from './break.ts'
import { MUTANTS } from './mutants.ts'

test('no mutant is stale', async () => {
  const stale = await Promise.all(MUTANTS.map((mutant) => staleness({ path: REPOSITORY }, mutant)))
  assert.deepEqual(stale.flat(), [])
})
