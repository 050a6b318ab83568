import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tempDirectory } from '../testing/files.ts'
import { Watchdog } from './watchdog.ts'

describe('a watchdog', () => {
  it('checks at once, because something may have happened before it watched', async () => {
    await using directory = await tempDirectory()
    let checks = 0
    await using _watchdog = new Watchdog(directory.at('s'), async () => void checks++)
    assert.equal(checks, 1)
  })

  it('waits for a check that is under way when it is disposed, and checks no more', async () => {
    await using directory = await tempDirectory()
    const check = Promise.withResolvers<void>()
    let checks = 0
    const watchdog = new Watchdog(directory.at('s'), () => {
      checks++
      return check.promise
    })
    let disposed = false
    const disposing = watchdog[Symbol.asyncDispose]().then(() => {
      disposed = true
    })
    await new Promise(setImmediate)
    assert.equal(disposed, false)
    check.resolve()
    await disposing
    assert.equal(checks, 1)
  })

  it('only polls if the directory does not exist', async () => {
    await using directory = await tempDirectory()
    const polled = Promise.withResolvers<void>()
    let checks = 0
    await using _watchdog = new Watchdog(directory.at('no/s'), async () => {
      if (++checks === 2) polled.resolve()
    })
    const stay = setInterval(() => undefined, 1_000) // the poll itself keeps no process alive
    await polled.promise
    clearInterval(stay)
    assert.equal(checks, 2)
  })
})
