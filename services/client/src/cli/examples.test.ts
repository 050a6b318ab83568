import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { loadAllCommands, loadCommand } from './command-table.ts'
import { parseArguments } from './parse-arguments.ts'

/** The words after `client`, up to a pipe, a closing backtick or bracket. Quotes are the only shell syntax it knows. */
function argumentsIn(line: string): string[] {
  const [, rest = ''] = /(?:^|[ `(])client (?<rest>(?:'[^']*'|[^|)`'])+)/.exec(line) ?? []
  return rest.trim().replaceAll("'", '').split(/\s+/)
}

describe('the examples in --help', async () => {
  for (const { examples, name } of await loadAllCommands())
    for (const [example] of examples)
      it(`${example}: is accepted by ${name}`, async () => {
        const [first = '', ...rest] = argumentsIn(example)
        assert.equal(first, name)
        parseArguments(rest, await loadCommand(first))
      })
})

describe('the command lines in README.md', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const lines = [...readme.matchAll(/^\$ .*\bclient .*$|`(?:source <\()?client [a-z][^`]*`/gm)].map(
    ([line]) => line,
  )
  it('are found', () => assert.ok(lines.length > 10))
  for (const line of lines)
    it(`${line}: is accepted by the client`, async () => {
      const [name = '', ...rest] = argumentsIn(line)
      parseArguments(rest, await loadCommand(name))
    })
})
