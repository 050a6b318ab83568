// In its container the client is a command, and all its subcommands work from the one file that the image has of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedStack } from './support/stack.ts'

const WORKS: readonly (readonly string[])[] = [
  ['--version'],
  ['status'],
  ['metrics', 'tcp://sidecar:9464'],
  ['visit'],
  ['echo', '--message', 'ping'],
  ['exercise'],
  ['doctor'],
  ['bench', '--rounds', '1', '--round-ms', '50', '--warmup-ms', '10'], // starts a program of its own
]

test('the client works from its image', async (t) => {
  const stack = await sharedStack(t)
  const client = stack.service('client')

  for (const command of WORKS) {
    await t.test(`client ${command.join(' ')}`, async () => {
      const { exitCode, stdout, stderr } = await client.exec('client', ...command)
      assert.equal(exitCode, 0, stderr)
      assert.notEqual(stdout, '')
    })
  }

  await t.test('what it may not read is denied, and it says so', async () => {
    const { exitCode, stderr } = await client.exec('client', 'metrics')
    assert.equal(exitCode, 77)
    assert.match(stderr, /socket_denied/)
  })
})
