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
    it(`is taken by sh for ${JSON.stringify(text)}`, () => {
      const said = execFileSync('sh', ['-c', `printf '%s.' ${shellWord(text)}`], { encoding: 'utf8' })
      assert.equal(said, `${text}.`)
    })

  it('leaves usual paths without quotes', () => {
    for (const path of ['/run/app/api.sock', 'unix:/run/a-b_c/x@1.sock', 'tcp://127.0.0.1:80', '@name'])
      assert.equal(shellWord(path), path)
  })

  it('quotes in the usual way where it can', () => {
    assert.equal(shellWord('/tmp/a b'), "'/tmp/a b'")
    assert.equal(shellWord("it's"), "'it'\\''s'")
  })

  it('can be read on a terminal', () => {
    const word = shellWord('/tmp/\u001b[2J\nb')
    assert.equal(visible(word), word)
  })

  it('of several words makes a command', () => {
    assert.equal(shellCommand('chmod', 'g+w', '/a b'), "chmod g+w '/a b'")
  })
})
