import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BROKEN, ChunkedFraming } from './chunked.ts'

/** Reads `text` in pieces of `step` bytes. `end` is where the body ended, 0 when it did not, or BROKEN. */
function read(text: string, step = text.length): { data: string; end: number } {
  const framing = new ChunkedFraming()
  const bytes = Buffer.from(text, 'latin1')
  let data = ''
  let at = 0
  while (at < bytes.length && !framing.done) {
    const to = Math.min(at + step, bytes.length)
    const next = framing.advance(bytes, at, to, (from, until) => {
      data += bytes.toString('latin1', from, until)
    })
    if (next === BROKEN) return { data, end: BROKEN }
    at = next
  }
  return { data, end: framing.done ? at : 0 }
}

describe('a chunked body', () => {
  const whole = '5\r\nhello\r\nA;x="y";z\r\n, world...\r\n00\r\nX-Sum: 1\r\nY:\r\n\r\n'

  it('is read up to its last byte, in whatever pieces it arrives', () => {
    for (let step = 1; step <= whole.length; step++) {
      assert.deepEqual(read(`${whole}GET /`, step), { data: 'hello, world...', end: whole.length }, `${step}`)
    }
  })

  it('is not complete before its last byte', () => {
    for (let end = 1; end < whole.length; end++) assert.equal(read(whole.slice(0, end)).end, 0, `${end}`)
  })

  const broken: Record<string, string> = {
    'an empty size': '\r\nhello',
    'a size with a sign': '+5\r\nhello\r\n0\r\n\r\n',
    'a size with a prefix': '0x5\r\nhello\r\n0\r\n\r\n',
    'a size with a space after it': '5 \r\nhello\r\n0\r\n\r\n',
    'a size with a space before it': ' 5\r\nhello\r\n0\r\n\r\n',
    'a huge size': 'FFFFFFFFFFFFFFFF\r\n',
    'many leading zeros': '0000000000005\r\nhello\r\n0\r\n\r\n',
    'a size that ends with LF': '5\nhello\r\n0\r\n\r\n',
    'a size that ends with CR': '5\rhello\r\n0\r\n\r\n',
    'an extension with LF': '5;a\nb\r\nhello\r\n0\r\n\r\n',
    'an extension with CR': '5;a\rb\r\nhello\r\n0\r\n\r\n',
    'an extension after a space': '5 ;a\r\nhello\r\n0\r\n\r\n',
    'an extension with a space': '5; a\r\nhello\r\n0\r\n\r\n',
    'an extension without a name': '5;\r\nhello\r\n0\r\n\r\n',
    'an extension with a broken quote': '5;a="\r\nhello\r\n0\r\n\r\n',
    'an extension without end': `5;${'a'.repeat(300)}`,
    'data longer than its size': '5\r\nhello!\r\n0\r\n\r\n',
    'data that ends with LF': '5\r\nhello\n0\r\n\r\n',
    'a last chunk that ends with LF': '0\r\n\n',
    'a folded trailer': '0\r\nA: b\r\n c\r\n\r\n',
    'a trailer without a colon': '0\r\nhello\r\n\r\n',
    'a trailer with a control character': '0\r\nA: \x01\r\n\r\n',
    'a trailer that is a framing field': '0\r\ncontent-length: 5\r\n\r\n',
    'a trailer that imitates a framing field': '0\r\nTransfer_Encoding: chunked\r\n\r\n',
    'trailers without end': `0\r\n${'A: b\r\n'.repeat(2_000)}`,
  }
  for (const [fault, text] of Object.entries(broken)) {
    it(`with ${fault} is refused`, () => {
      assert.equal(read(text).end, BROKEN)
      assert.equal(read(text, 1).end, BROKEN)
    })
  }
})
