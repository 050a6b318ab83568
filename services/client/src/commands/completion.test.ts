import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { COMMAND_NAMES, loadAllCommands } from '../cli/command-table.ts'
import { callClient } from '../testing/call-client.ts'

const { stdout: BASH } = await callClient(['completion', 'bash'])
const { stdout: ZSH } = await callClient(['completion', 'zsh'])

/** What bash offers for the last of these words. */
function offered(...words: string[]): string[] {
  const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`
  const { stdout, stderr } = spawnSync('bash', [
    '--norc',
    '-c',
    `${BASH}\n${set}\n_client\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
  ])
  assert.equal(String(stderr), '')
  return String(stdout).split('\n').filter(Boolean)
}

describe('completion in bash', () => {
  it('offers the commands with that prefix', () => assert.deepEqual(offered('client', 'st'), ['status']))
  it('offers all commands', () =>
    assert.deepEqual(offered('client', ''), [...COMMAND_NAMES, '--help', '--version']))
  it('offers the options of the command', () =>
    assert.deepEqual(offered('client', 'visit', '--'), [
      '--tcp',
      '--count',
      '--read',
      '--timeout-ms',
      '--tls',
      '--cacert',
      '--cert',
      '--key',
      '--servername',
      '--token-file',
      '--json',
      '--help',
    ]))
  it('offers the values of an option', () =>
    assert.deepEqual(offered('client', 'exercise', '--expect-redis', ''), ['up', 'down']))
  it('offers the words of a command', () => assert.deepEqual(offered('client', 'completion', 'z'), ['zsh']))
  it('offers no options where a value is expected', () =>
    assert.deepEqual(offered('client', 'visit', '--count', '--'), []))
})

describe('completion in zsh', () => {
  it('has every command with its summary, and every option', async () => {
    for (const { name, summary, options } of await loadAllCommands()) {
      assert.ok(ZSH.includes(`'${name}:${summary.replaceAll("'", "'\\''")}'`), name)
      assert.match(ZSH, new RegExp(`^ {4}${name}\\) _arguments`, 'm'))
      for (const option of Object.keys(options))
        assert.ok(ZSH.includes(`'--${option}[`), `${name} --${option}`)
    }
  })
})

it('completion for another shell is refused', async () => {
  const { exitCode, stderr } = await callClient(['completion', 'fish'])
  assert.equal(exitCode, 64)
  assert.match(stderr, /it may be bash, zsh/)
})
