import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { shellCommand, shellWord } from './shell-word.ts'
import { visible } from './visible.ts'

const AWKWARD = [
  '/tmp/a;touch PWNED;',
  '/tmp/two words',
  "/tmp/it's",
  '/tmp/"quoted"',
  '/tmp/$(touch PWNED)',
  '/tmp/`touch PWNED`',
  '/tmp/$HOME',
  '/tmp/a\\b',
  '/tmp/*?[a]{b,c}',
  '~/s',
  '#s',
  'a=b',
  '!s',
  '-rf',
  '',
  '/tmp/a\nb',
  '/tmp/a\n\n',
  '\n',
  "/tmp/\u001b[31m%s\\x'$(id)",
  '/tmp/\u202edé',
  '/tmp/\u009b',
  '&|<>()',
]

describe('shellWord', () => {
  for (const text of AWKWARD)
    it(`is read by sh as ${JSON.stringify(text)}`, () => {
      const said = execFileSync('sh', ['-c', `printf '%s.' ${shellWord(text)}`], { encoding: 'utf8' })
      assert.equal(said, `${text}.`)
    })

  it('does not quote usual paths', () => {
    for (const path of ['/run/app/api.sock', 'unix:/run/a-b_c/x@1.sock', 'tcp://127.0.0.1:80', '@name'])
      assert.equal(shellWord(path), path)
  })

  it('uses plain quotes where they are enough', () => {
    assert.equal(shellWord('/tmp/a b'), "'/tmp/a b'")
    assert.equal(shellWord("it's"), "'it'\\''s'")
  })

  it('has only visible characters', () => {
    const word = shellWord('/tmp/\u001b[2J\nb')
    assert.equal(visible(word), word)
  })

  it('of several words joins a command', () => {
    assert.equal(shellCommand('chmod', 'g+w', '/a b'), "chmod g+w '/a b'")
  })
})
