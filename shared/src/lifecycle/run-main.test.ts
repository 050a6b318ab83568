import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Child } from '../testing/processes.ts'

describe('a program', () => {
  it('whose main ends, exits 0', async () => {
    await using child = new Child('run', ['end'])
    assert.equal(await child.ended(), 0)
    assert.equal(child.stderr, '')
  })

  it('that fails with a Failure, exits with its code and prints its hint, without a stack', async () => {
    await using child = new Child('run', ['fail'])
    assert.equal(await child.ended(), 75)
    assert.equal(child.stderr, 'running: in_use: another owns it (EADDRINUSE)\n  hint: stop it\n')
  })

  it('whose failure has control characters, prints them escaped', async () => {
    await using child = new Child('run', ['colour'])
    assert.equal(await child.ended(), 75)
    assert.equal(child.stderr, 'running: in_use: on /\\u001b[31m\\u009bs\n  hint: stop \\r\\u202eit\n')
  })

  it('that fails with another error, exits 70 with the stack', async () => {
    await using child = new Child('run', ['break'])
    assert.equal(await child.ended(), 70)
    assert.match(child.stderr, /^running: Error: a defect\n {4}at /)
  })

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    it(`that waits for a signal, exits 0 after ${signal}`, async () => {
      await using child = new Child('run', ['wait'])
      await child.next()
      child.signal(signal)
      assert.equal(await child.next(), signal)
      assert.equal(await child.ended(), 0)
    })

    it(`that does not end after the first signal, ends at once after ${signal} with ${code}`, async () => {
      await using child = new Child('run', ['linger'])
      await child.next()
      child.signal('SIGTERM')
      assert.equal(await child.next(), 'SIGTERM')
      child.signal(signal)
      assert.equal(await child.ended(), code)
    })
  }
})
