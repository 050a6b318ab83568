import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadSettings } from './settings.ts'

describe('the settings of a benchmark', () => {
  it('are all suites and candidates by default', () => {
    const { suites, candidates, rounds } = loadSettings({}, ['a', 'b'])
    assert.deepEqual(suites, ['a', 'b'])
    assert.ok(candidates.includes('sidecar') && candidates.includes('nginx'))
    assert.equal(rounds, 5)
  })

  it('may select suites, candidates and rounds', () => {
    const env = { BENCH_SUITES: 'b', BENCH_CANDIDATES: 'nginx,socat', BENCH_ROUNDS: '1' }
    assert.deepEqual(loadSettings(env, ['a', 'b']), {
      suites: ['b'],
      candidates: ['nginx', 'socat'],
      rounds: 1,
    })
  })

  it('are refused when they name something unknown', () => {
    assert.throws(
      () => loadSettings({ BENCH_SUITES: 'c' }, ['a', 'b']),
      /BENCH_SUITES has c; it may have a, b/,
    )
    assert.throws(() => loadSettings({ BENCH_ROUNDS: '0' }, []), /BENCH_ROUNDS is 0/)
  })
})
