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

/** A sample, and its parsed form. */
const SAMPLES: readonly (readonly [text: string, expected: object])[] = [
  ['m 1', { name: 'm', labels: {}, value: '1' }],
  ['m 1  ', { name: 'm', labels: {}, value: '1' }],
  ['m 1\t', { name: 'm', labels: {}, value: '1' }],
  [' \tm\t \t1', { name: 'm', labels: {}, value: '1' }],
  ['m{a="b"} 1 ', { name: 'm', labels: { a: 'b' }, value: '1' }],
  ['m {a="b"} 1', { name: 'm', labels: { a: 'b' }, value: '1' }],
  [
    'm\t{\ta\t=\t"b"\t,\tc\t=\t"d"\t}\t1\t2\t',
    { name: 'm', labels: { a: 'b', c: 'd' }, value: '1', timestamp: '2' },
  ],
  ['m{a = "b" , c = "d" , } 1', { name: 'm', labels: { a: 'b', c: 'd' }, value: '1' }],
  ['m{a="b",}1', { name: 'm', labels: { a: 'b' }, value: '1' }],
  ['m{ } 1', { name: 'm', labels: {}, value: '1' }],
  ['m{a="}{#=,\\"\\\\n"} 1', { name: 'm', labels: { a: '}{#=,"\\n' }, value: '1' }],
  ['m{a="} 2",b="x} 3"} 1', { name: 'm', labels: { a: '} 2', b: 'x} 3' }, value: '1' }],
  ['m{a=""} 1 -1700000000000', { name: 'm', labels: { a: '' }, value: '1', timestamp: '-1700000000000' }],
  ['m{a="日本 é\t"} 1', { name: 'm', labels: { a: '日本 é\t' }, value: '1' }],
  [
    'm{__proto__="x",constructor="y"} 1',
    {
      name: 'm',
      labels: Object.fromEntries([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
      value: '1',
    },
  ],
  ['{"my.metric"} 1', { name: 'my.metric', labels: {}, value: '1' }],
  [
    '{"my.metric", a="b", "the.label" = "c"} 1',
    { name: 'my.metric', labels: { a: 'b', 'the.label': 'c' }, value: '1' },
  ],
  ['{a="b","my.metric"} 1', { name: 'my.metric', labels: { a: 'b' }, value: '1' }],
  ['{"a\\"b\\\\"} 1', { name: 'a"b\\', labels: {}, value: '1' }],
  ['a:b_c1 1', { name: 'a:b_c1', labels: {}, value: '1' }],
  [
    'm 1 # {trace_id="x"} 1 1.5',
    {
      name: 'm',
      labels: {},
      value: '1',
      exemplar: { labels: { trace_id: 'x' }, value: '1', timestamp: '1.5' },
    },
  ],
  [
    'm{a="b"} 1 1.5 # {} 0.5',
    { name: 'm', labels: { a: 'b' }, value: '1', timestamp: '1.5', exemplar: { labels: {}, value: '0.5' } },
  ],
]

const NUMBERS = [
  '0',
  '-1',
  '+1.5',
  '.5',
  '5.',
  '1e3',
  '1E-3',
  '-2.5e+10',
  'NaN',
  'nan',
  '+Inf',
  '-Inf',
  'Inf',
  'inf',
  '-infinity',
  '0x1p-2',
  '0X1.8P3',
  '-0x.8p0',
  '1_000',
]

/** An invalid line, and the reason. */
const INVALID: readonly (readonly [line: string, reason: RegExp])[] = [
  ['<html>', /does not begin with the name/],
  ['m', /no value|space is missing/],
  ['m{a="b"}', /no value/],
  ['m{a="b" 1', /comma or a closing brace/],
  ['m{a="b"c="d"} 1', /comma or a closing brace/],
  ['m{a="b",,c="d"} 1', /label or a closing brace/],
  ['m{,} 1', /label or a closing brace/],
  ['m{a=b} 1', /not in quotes/],
  ['m{a="b} 1', /closing quote/],
  ["m{a='b'} 1", /not in quotes/],
  ['m{a} 1', /label a has no value/],
  ['m{a="b",a="c"} 1', /appears twice/],
  ['m{a="\\x"} 1', /not one of the escapes/],
  ['m{my-label="b"} 1', /label my has no value/],
  ['m{1a="b"} 1', /label or a closing brace/],
  ['m{"other.name"} 1', /two names/],
  ['{"a","b"} 1', /two names/],
  ['{a="b"} 1', /does not begin with the name/],
  ['{""} 1', /name is empty/],
  ['m{__name__="x"} 1', /__name__/],
  ['my.metric 1', /space is missing/],
  ['1m 1', /does not begin with the name/],
  ['m one', /"one" is not a number/],
  ['m 1,5', /is not a number/],
  ['m 1e999', /is not a number/],
  ['m 0x10', /is not a number/],
  ['m _1', /is not a number/],
  ['m 1__0', /is not a number/],
  ['m 1 now', /"now" is not a timestamp/],
  ['m 1 NaN', /is not a timestamp/],
  ['m 1 2 3', /nothing may follow/],
  ['m 1\r', /carriage return/],
  ['m\u00a01', /space is missing/],
  ['m 1 # trace', /exemplar begins with its labels/],
  ['m 1 # {a="b"}', /no value/],
  ['# TYPE m', /no type/],
  ['# TYPE m thing', /no such type/],
  ['# TYPE m counter extra', /no such type/],
  ['# TYPE my.metric counter', /name of a metric/],
  ['# HELP', /name of a metric/],
]

describe('parseExposition', () => {
  it('collects the samples of a histogram in its family, and unescapes labels', () => {
    const [family, alone] = parseExposition(HISTOGRAM)
    assert.equal(family?.type, 'histogram')
    assert.equal(family?.help, 'How long')
    assert.deepEqual(
      family?.samples.map(({ name, value }) => `${name} ${value}`),
      ['d_seconds_bucket 1', 'd_seconds_bucket 2', 'd_seconds_sum 0.5', 'd_seconds_count 2'],
    )
    assert.deepEqual(family?.samples[0]?.labels, { le: '0.1', path: '/a"b\\c\nd' })
    assert.equal(family?.samples[1]?.timestamp, '1700000000000')
    assert.deepEqual(alone, {
      name: 'alone',
      type: 'untyped',
      help: '',
      samples: [{ name: 'alone', labels: {}, value: 'NaN' }],
    })
  })

  for (const [text, expected] of SAMPLES)
    it(`parses ${JSON.stringify(text)}`, () => {
      for (const end of ['', '\n', '\n\n \t\n'])
        assert.deepEqual(
          parseExposition(text + end).flatMap(({ samples }) => samples),
          [expected],
        )
    })

  for (const number of NUMBERS)
    it(`accepts the value ${number}, as Go does`, () => {
      assert.equal(parseExposition(`m{a="b"} ${number} 1`)[0]?.samples[0]?.value, number)
    })

  for (const [line, reason] of INVALID)
    it(`reports the line ${JSON.stringify(line)}`, () => {
      assert.throws(
        () => parseExposition(`a 1\n${line}\nb 1\n`),
        ({ name, message }: Error) => {
          assert.equal(name, 'SyntaxError')
          assert.ok(message.startsWith(`line 2 is invalid: ${JSON.stringify(line)}: `), message)
          return reason.test(message)
        },
      )
    })

  it('accepts HELP and TYPE with spaces and tabs, and quoted names', () => {
    const text =
      ' #\tHELP\tm \t a\\\\b\\nc\\d \t\n#  TYPE  m\tCounter  \n# TYPE "my.h" histogram\n{"my.h_sum",a="b"} 1\n'
    const [m, h] = parseExposition(text)
    assert.deepEqual({ ...m }, { name: 'm', type: 'counter', help: 'a\\b\nc\\d', samples: [] })
    assert.deepEqual([h?.name, h?.type, h?.samples[0]?.name], ['my.h', 'histogram', 'my.h_sum'])
  })

  it('ignores comments that only look like HELP and TYPE', () => {
    const text = '#\n# \n#HELPm x\n# HELPER m x\n# TYPES\n# help m x\n#m 1\n# UNIT of nothing\n# EOF\nm 1\n'
    assert.deepEqual(
      parseExposition(text).map(({ name }) => name),
      ['m'],
    )
  })

  it('rejects a second HELP or TYPE, and a TYPE after its samples', () => {
    assert.throws(() => parseExposition('# HELP m x\n# HELP m y\n'), /line 2 .*second HELP of m/)
    assert.throws(() => parseExposition('# TYPE m gauge\n# TYPE m gauge\n'), /line 2 .*second TYPE of m/)
    assert.throws(() => parseExposition('m 1\n# TYPE m gauge\n'), /line 2 .*before the samples of m/)
  })

  it('reports the line that is not UTF-8', () => {
    const bytes = Buffer.from('a 1\nm{a="\u00e9"} 1\nm{a="\u00ff"} 2\n', 'latin1')
    assert.throws(() => parseExposition(bytes), /line 2 .*not UTF-8/)
    assert.equal(parseExposition(Buffer.from('m{a="é"} 1'))[0]?.samples[0]?.labels.a, 'é')
  })

  it('parses a label of a million letters', () => {
    const value = 'x\\\\'.repeat(250_000)
    assert.equal(parseExposition(`m{a="${value}"} 1`)[0]?.samples[0]?.labels.a?.length, 500_000)
  })

  it('parses any label value that is escaped correctly', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', ' ', '\t', ' \t '), (value, blank) => {
        const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
        const text = ['m', '{', 'l', '=', `"${escaped}"`, ',', '}', ' 1'].join(blank)
        assert.equal(parseExposition(`${text}${blank}`)[0]?.samples[0]?.labels.l, value)
      }),
    )
  })
})

describe('parseExposition, of OpenMetrics', () => {
  const TEXT = [
    '# TYPE jobs counter',
    '# UNIT jobs jobs',
    '# HELP jobs How \\"many\\"',
    'jobs_total{kind="a"} 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67 1520879607.5',
    'jobs_created{kind="a"} 1520430000.123',
    '# TYPE build info',
    'build_info{version="1"} 1',
    '# TYPE light stateset',
    'light{light="red"} 1',
    '# TYPE sizes gaugehistogram',
    'sizes_bucket{le="+Inf"} 2',
    'sizes_gcount 2',
    'sizes_gsum 3',
    '# TYPE what unknown',
    'what 1',
    '# EOF',
  ]

  it('collects the samples of every type, with unit, timestamps and exemplars', () => {
    const families = parseExposition(`${TEXT.join('\n')}\n`)
    assert.deepEqual(
      families.map(({ name, type, samples }) => [name, type, samples.length]),
      [
        ['jobs', 'counter', 2],
        ['build', 'info', 1],
        ['light', 'stateset', 1],
        ['sizes', 'gaugehistogram', 3],
        ['what', 'unknown', 1],
      ],
    )
    assert.deepEqual([families[0]?.unit, families[0]?.help], ['jobs', 'How "many"'])
    assert.deepEqual(families[0]?.samples[0], {
      name: 'jobs_total',
      labels: { kind: 'a' },
      value: '17.0',
      timestamp: '1520879607.789',
      exemplar: { labels: { trace_id: 'KOO5S4vxi0o' }, value: '0.67', timestamp: '1520879607.5' },
    })
  })

  it('says that the text was cut short when # EOF is missing', () => {
    const cut = `${TEXT.slice(0, 5).join('\n')}\n`
    assert.throws(() => parseExposition(cut, { openMetrics: true }), /cut short/)
    assert.equal(parseExposition(cut).length, 3, 'in the text format: jobs, jobs_total, jobs_created')
  })

  it('may end with blanks and empty lines', () => {
    for (const end of ['# EOF', '# EOF \t', ' #\tEOF\n', '# EOF\n\n \t\n'])
      assert.equal(parseExposition(`a_total 1\n${end}`, { openMetrics: true }).length, 1, JSON.stringify(end))
  })

  it('names what follows # EOF', () => {
    for (const text of ['a 1\n# EOF\nb 1\n# EOF\n', 'a 1\n# EOF\nb 1\n'])
      assert.throws(
        () => parseExposition(text, { openMetrics: true }),
        /^SyntaxError: line 3 is invalid: "b 1": .*follow # EOF/,
      )
  })
})
