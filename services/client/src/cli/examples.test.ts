import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadAllCommands } from './command-table.ts'
import { parseArguments } from './parse-arguments.ts'

/** The part of a shell line that is the client's: after `client`, before a pipe; nothing in it needs a shell. */
function argumentsIn(example: string): string[] {
  const [, line = ''] = /(?:^|\| |<\()client (?<rest>[^|)]+)/.exec(example) ?? []
  return line.trim().split(/\s+/)
}

describe('the examples in --help', async () => {
  for (const command of await loadAllCommands())
    for (const [example] of command.examples)
      it(`${example}: is a command line that the client takes`, () => {
        const [name, ...rest] = argumentsIn(example)
        assert.equal(name, command.name)
        assert.doesNotThrow(() => parseArguments(rest, command))
      })
})
