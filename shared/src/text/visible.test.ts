import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { visible, visibleIn, visibleJson, visibleLines } from './visible.ts'

const OBEYED: Record<string, readonly [text: string, shown: string]> = {
  'a colour': ['\u001b[31m', '\\u001b[31m'],
  'a CSI of one byte': ['\u009b31m', '\\u009b31m'],
  'a bell': ['\u0007', '\\u0007'],
  'a carriage return, a line feed and a tab': ['\r\n\t', '\\r\\n\\t'],
  'a delete': ['\u007f', '\\u007f'],
  'a change of direction': ['\u202e\u2066\u200f', '\\u202e\\u2066\\u200f'],
  'a line separator': ['\u2028', '\\u2028'],
  'a format character beyond the first plane': ['\u{e0001}', '\\udb40\\udc01'],
  'half a surrogate pair': ['\ud800', '\\ud800'],
}

describe('visible', () => {
  for (const [what, [text, shown]] of Object.entries(OBEYED))
    it(`shows ${what}`, () => assert.equal(visible(`a${text}b`), `a${shown}b`))

  it('leaves all other text, joined emoji too', () => {
    const text = 'déjà vu, \\ "x" 日本 👩‍🚀 ✓'
    assert.equal(visible(text), text)
  })

  it('leaves line feeds and tabs in text of several lines', () => {
    assert.equal(visibleLines('a\tb\n\u001bc\r'), 'a\tb\n\\u001bc\\r')
  })

  it('escapes every string of a value, and names', () => {
    assert.deepEqual(visibleIn({ '\u001b': ['\u0007', 1, null, { a: '\u009b' }] }), {
      '\\u001b': ['\\u0007', 1, null, { a: '\\u009b' }],
    })
  })

  it('keeps the value of any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = visibleJson(value)
        assert.equal(visible(text), text)
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
      }),
    )
    assert.deepEqual(JSON.parse(visibleJson(['\u009b\u202e\u{e0001}\u2028'])), [
      '\u009b\u202e\u{e0001}\u2028',
    ])
  })
})
