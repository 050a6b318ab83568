import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseExposition } from './parse-exposition.ts'

const HISTOGRAM = `# HELP d_seconds How long
# TYPE d_seconds histogram
d_seconds_bucket{le="0.1",path="/a\\"b\\\\c\\nd"} 1
d_seconds_bucket{le="+Inf",path="x"} 2 1700000000000
d_seconds_sum 0.5
d_seconds_count 2
# a comment

alone{} NaN
`

describe('parseExposition', () => {
  it('gathers the samples of a histogram in its family, and unescapes labels', () => {
    const [family, alone] = parseExposition(HISTOGRAM)
    assert.equal(family?.type, 'histogram')
    assert.equal(family?.help, 'How long')
    assert.deepEqual(
      family?.samples.map(({ name, value }) => `${name} ${value}`),
      ['d_seconds_bucket 1', 'd_seconds_bucket 2', 'd_seconds_sum 0.5', 'd_seconds_count 2'],
    )
    assert.deepEqual(family?.samples[0]?.labels, { le: '0.1', path: '/a"b\\c\nd' })
    assert.deepEqual(alone, {
      name: 'alone',
      type: 'untyped',
      help: '',
      samples: [{ name: 'alone', labels: {}, value: 'NaN' }],
    })
  })

  it('names the line that is no sample', () => {
    assert.throws(() => parseExposition('a 1\n<html>\n'), { name: 'SyntaxError', message: /line 2/ })
  })

  it('reads back any label value that was escaped as the format says', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
        const [family] = parseExposition(`m{l="${escaped}"} 1`)
        assert.equal(family?.samples[0]?.labels.l, value)
      }),
    )
  })
})
