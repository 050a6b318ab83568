import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { palette } from './text.ts'

const terminal = Object.assign(new PassThrough(), { isTTY: true })

describe('palette', () => {
  it('colours on a terminal', () => assert.notEqual(palette(terminal, {}).good('x'), 'x'))
  it('does not where output is no terminal', () =>
    assert.equal(palette(new PassThrough(), {}).good('x'), 'x'))
  it('does not with NO_COLOR', () => assert.equal(palette(terminal, { NO_COLOR: '1' }).bad('x'), 'x'))
  it('does with an empty NO_COLOR, as no-color.org has it', () =>
    assert.notEqual(palette(terminal, { NO_COLOR: '' }).bad('x'), 'x'))
})
