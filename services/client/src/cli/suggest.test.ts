import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { editDistance, suggest } from './suggest.ts'

describe('suggest', () => {
  const known = ['status', 'metrics', 'visit', 'echo', 'exercise', 'watch']
  const cases = [
    ['statsu', 'status'],
    ['vist', 'visit'],
    ['ecko', 'echo'],
    ['metric', 'metrics'],
    ['exer', 'exercise'],
  ] as const
  for (const [typed, meant] of cases)
    it(`suggests ${meant} for ${typed}`, () => assert.equal(suggest(typed, known), meant))

  it('suggests nothing when no word is similar', () => assert.equal(suggest('xyzzy', known), undefined))
})

describe('editDistance', () => {
  it('counts inserted, deleted, replaced and swapped letters', () => {
    assert.equal(editDistance('', 'abc'), 3)
    assert.equal(editDistance('kitten', 'sitting'), 3)
    assert.equal(editDistance('ecoh', 'echo'), 1)
    assert.equal(editDistance('same', 'same'), 0)
  })
})
