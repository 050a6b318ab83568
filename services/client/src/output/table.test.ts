import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { table } from './text.ts'

describe('table', () => {
  it('makes columns as wide as their widest cell, and no trailing blanks', () => {
    assert.equal(table([['a', 'bb'], ['ccc']]), 'a    bb\nccc')
  })

  it('gives colours no width', () => {
    assert.equal(
      table([
        ['\u001b[32mok\u001b[39m', 'x'],
        ['four', 'y'],
      ]),
      '\u001b[32mok\u001b[39m    x\nfour  y',
    )
  })

  it('of nothing is empty', () => assert.equal(table([]), ''))
})
