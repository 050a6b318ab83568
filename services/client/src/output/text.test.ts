import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { clip, keyValues, palette, table } from './text.ts'

it('clip keeps a line that fits, with its colours, and shortens a longer one', () => {
  assert.equal(clip('\u001b[32mok\u001b[39m', 2), '\u001b[32mok\u001b[39m')
  assert.equal(clip('\u001b[32mtoo long\u001b[39m', 4), 'too…')
})

it('keyValues shows scalars as lines and lists of objects as tables', () => {
  const text = keyValues({
    name: 'app',
    redis: null,
    sockets: [{ name: 'api', mode: '0660' }, { name: 'tcp' }],
  })
  assert.equal(
    text,
    ['name   app', 'redis  -', 'sockets', '  name  mode', '  api   0660', '  tcp   -'].join('\n'),
  )
})

const terminal = Object.assign(new PassThrough(), { isTTY: true })

describe('palette', () => {
  it('colours on a terminal', () => assert.notEqual(palette(terminal, {}).good('x'), 'x'))
  it('does not colour if the output is not a terminal', () =>
    assert.equal(palette(new PassThrough(), {}).good('x'), 'x'))
  it('does not colour with NO_COLOR', () => assert.equal(palette(terminal, { NO_COLOR: '1' }).bad('x'), 'x'))
  it('colours with an empty NO_COLOR, as no-color.org defines', () =>
    assert.notEqual(palette(terminal, { NO_COLOR: '' }).bad('x'), 'x'))
})

describe('table', () => {
  it('makes columns as wide as their widest cell, without trailing spaces', () => {
    assert.equal(table([['a', 'bb'], ['ccc']]), 'a    bb\nccc')
  })

  it('counts colours as no width', () => {
    assert.equal(
      table([
        ['\u001b[32mok\u001b[39m', 'x'],
        ['four', 'y'],
      ]),
      '\u001b[32mok\u001b[39m    x\nfour  y',
    )
  })

  it('without rows is empty', () => assert.equal(table([]), ''))
})
