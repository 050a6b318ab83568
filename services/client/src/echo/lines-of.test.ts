import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { it } from 'node:test'
import fc from 'fast-check'
import { linesOf } from './dialogue.ts'

it('linesOf yields the same lines wherever the bytes are cut', async () => {
  const cut = fc.record({ text: fc.string({ unit: 'grapheme' }), at: fc.array(fc.nat(40)) })
  await fc.assert(
    fc.asyncProperty(cut, async ({ text, at }) => {
      const lines: string[] = []
      for await (const line of linesOf(Readable.from(pieces(Buffer.from(text), at)))) lines.push(line)
      assert.deepEqual(lines, expected(text))
    }),
  )
})

function expected(text: string): string[] {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function pieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.map((n) => Math.min(n, bytes.length)).sort((a, b) => a - b), bytes.length]
  return cuts
    .slice(1)
    .map((end, i) => bytes.subarray(cuts[i], end))
    .filter((piece) => piece.length > 0)
}
