import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { callClient } from '../testing/call-client.ts'
import { COMMAND_NAMES, loadAllCommands } from './command-table.ts'

describe('the command line', () => {
  it('--version prints it and exits 0', async () => {
    const env = { VERSION: '1.2.3', REVISION: 'abc' }
    assert.deepEqual(await callClient(['--version'], { env }), {
      exitCode: 0,
      stdout: 'client 1.2.3 (abc)\n',
      stderr: '',
    })
  })

  it('--help shows every command with its summary', async () => {
    const { exitCode, stdout } = await callClient(['--help'])
    assert.equal(exitCode, 0)
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    for (const { name, summary } of await loadAllCommands())
      assert.deepEqual(
        lines.find(([first]) => first === name),
        [name, summary],
      )
  })

  for (const name of COMMAND_NAMES)
    it(`${name} --help shows usage, an example and the shape of its JSON`, async () => {
      const { exitCode, stdout } = await callClient([name, '--help'])
      assert.equal(exitCode, 0)
      assert.match(stdout, new RegExp(`^usage: client ${name}`, 'm'))
      assert.match(stdout, /^examples:\n {2}\S/m)
      assert.match(stdout, /^--json writes /m)
    })

  const refused = [
    [[], 'no command was given'],
    [['statsu'], 'did you mean client status?'],
    [['--json'], '--json comes before the command'],
    [['constructor'], 'there is no command "constructor"'],
  ] as const
  for (const [args, said] of refused)
    it(`refuses "client ${args.join(' ')}" with 64`, async () => {
      const { exitCode, stderr } = await callClient(args)
      assert.equal(exitCode, 64)
      assert.ok(stderr.includes(said), stderr)
    })

  it('--json reports a failure as JSON on stderr, with the same exit code', async () => {
    const { exitCode, stdout, stderr } = await callClient(['status', 'unix:/nowhere/a.sock', '--json'])
    assert.equal(exitCode, 69)
    assert.equal(stdout, '')
    const { error } = JSON.parse(stderr)
    assert.equal(error.code, 'socket_missing')
    assert.equal(error.errno, 'ENOENT')
  })
})
