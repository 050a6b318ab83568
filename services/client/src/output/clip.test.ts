import assert from 'node:assert/strict'
import { it } from 'node:test'
import { clip } from './text.ts'

it('clip leaves a line that fits alone, colours too, and shortens one that does not', () => {
  assert.equal(clip('\u001b[32mok\u001b[39m', 2), '\u001b[32mok\u001b[39m')
  assert.equal(clip('\u001b[32mtoo long\u001b[39m', 4), 'too…')
})
