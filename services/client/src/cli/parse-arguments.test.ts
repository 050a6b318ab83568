import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Command, defineCommand } from './command.ts'
import { oneOf, wholeNumber } from './options.ts'
import { parseArguments } from './parse-arguments.ts'

const command: Command = defineCommand({
  name: 'try',
  summary: '',
  positionals: '[ENDPOINT]',
  maxPositionals: 1,
  options: {
    tcp: { kind: 'flag', summary: '' },
    count: {
      kind: 'value',
      short: 'n',
      placeholder: 'N',
      summary: 'how many',
      read: wholeNumber(1, 9),
      fallback: 3,
    },
    mode: { kind: 'value', placeholder: 'MODE', summary: '', ...oneOf(['fast', 'slow']), fallback: 'fast' },
  },
  examples: [],
  jsonShape: '',
  run: async () => 0,
})

const parse = (...args: string[]) => parseArguments(args, command)

describe('parseArguments', () => {
  it('gives every option its default', () => {
    assert.deepEqual(parse().values, { tcp: false, count: 3, mode: 'fast', json: false, help: false })
  })

  it('parses flags, values in every notation, and positional arguments between them', () => {
    const { values, positionals } = parse('--tcp', '-n', '5', 'unix:/a', '--mode=slow', '--json')
    assert.deepEqual(values, { tcp: true, count: 5, mode: 'slow', json: true, help: false })
    assert.deepEqual(positionals, ['unix:/a'])
  })

  const refused = [
    [['--cuont', '5'], 'try has no option --cuont', 'did you mean --count?'],
    [['--zzzzzz'], 'try has no option --zzzzzz', 'client try --help lists its options'],
    [['--tcp=yes'], '--tcp takes no value', 'write --tcp alone'],
    [['--count'], '--count needs a value', 'write --count N: how many'],
    [['--count', '10'], '--count is "10"', 'it may be a whole number from 1 to 9'],
    [['--count', '1e0'], '--count is "1e0"', 'it may be a whole number from 1 to 9'],
    [['--mode', 'quick'], '--mode is "quick"', 'it may be fast, slow'],
    [
      ['unix:/a', 'unix:/b'],
      'try does not take "unix:/b"',
      'usage: client try [ENDPOINT] [--tcp] [--count N] [--mode MODE]',
    ],
  ] as const
  for (const [args, message, hint] of refused)
    it(`refuses ${args.join(' ')} and says what is allowed`, () => {
      assert.throws(() => parse(...args), { code: 'usage', exitCode: 64, message, hint })
    })
})
