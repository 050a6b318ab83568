import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { PLAIN_ACCESS } from '../services/client/src/access/access.ts'
import { loadConfig } from '../services/client/src/config.ts'
import { allRows } from '../services/client/src/exercise/rows/all-rows.ts'

describe('docs/exercise.md', () => {
  const page = readFileSync(join(import.meta.dirname, 'exercise.md'), 'utf8')
  const config = loadConfig({})
  const checks = allRows({
    config,
    expectRedis: 'up',
    status: undefined,
    routes: undefined,
    access: PLAIN_ACCESS,
  })

  it('explains every row that the client prints, and no other', () => {
    const explained = [...page.matchAll(/^\| (S\d+) \|/gm)].map(([, row]) => row)
    assert.deepEqual(explained, [...new Set(checks.map(({ row }) => row))])
    assert.equal(explained.length, 12)
  })

  it('shows the lines that the client prints', () => {
    const lines = [...page.matchAll(/^(?:S\d+)? +(\S.*?) {2,}.* (?:✓ ok|– not shown \[\d\])$/gm)].map(
      ([, what]) => what,
    )
    assert.deepEqual(
      lines,
      checks.map(({ what }) => what),
    )
  })
})
