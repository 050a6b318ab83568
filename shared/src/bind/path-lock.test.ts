import assert from 'node:assert/strict'
import { utimesSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { tempDirectory } from '../testing/files.ts'
import { lockFileOf, PathLock } from './path-lock.ts'

const NO_WAIT = { waitMs: 0, onWait: () => undefined }

/** A lock that is held. Those who wait for it meanwhile see others publish one after the other, or one that keeps it. */
async function heldLock(socketPath: string) {
  const held = await PathLock.acquire(socketPath, NO_WAIT)
  assert.ok(held)
  return {
    /**
     * Changes the lock file in each turn of the event loop, as those who publish do, until `work` is over.
     * @param isEnough whether the lock may be released now
     */
    async whileOthersPublish<T>(work: Promise<T>, isEnough = () => false): Promise<T> {
      let [isOver, isHeld, seconds] = [false, true, 0]
      const ended = work.finally(() => {
        isOver = true
      })
      while (!isOver) {
        seconds += 1
        utimesSync(lockFileOf(socketPath), seconds, seconds)
        if (isHeld && isEnough()) {
          isHeld = false
          await held.release()
        }
        await turn()
      }
      if (isHeld) await held.release()
      return ended
    },
    release: () => held.release(),
  }
}

describe('a wait for the lock of a path', () => {
  it('goes on while others publish one after the other', async () => {
    await using directory = await tempDirectory()
    const path = directory.at('s')
    const others = await heldLock(path)
    const enough = performance.now() + 300
    const waiting = PathLock.acquire(path, { ...NO_WAIT, waitMs: 50 })
    const lock = await others.whileOthersPublish(waiting, () => performance.now() > enough)
    assert.ok(lock, 'it gave up')
    await lock.release()
  })

  it('is told once, however many it is for', async () => {
    await using directory = await tempDirectory()
    const path = directory.at('s')
    const others = await heldLock(path)
    let [notices, enough] = [0, Number.POSITIVE_INFINITY]
    const onWait = () => {
      notices += 1
      enough = Math.min(enough, performance.now() + 3_000) // two more waits, which could tell it again
    }
    const waiting = PathLock.acquire(path, { waitMs: 1_500, onWait })
    const lock = await others.whileOthersPublish(waiting, () => performance.now() > enough)
    assert.ok(lock, 'it gave up')
    assert.equal(notices, 1)
    await lock.release()
  })

  it('ends when one holds it all the time', async () => {
    await using directory = await tempDirectory()
    const other = await heldLock(directory.at('s'))
    assert.equal(await PathLock.acquire(directory.at('s'), { ...NO_WAIT, waitMs: 50 }), undefined)
    await other.release()
  })

  it('ends after its longest time, although others go on', async () => {
    await using directory = await tempDirectory()
    const others = await heldLock(directory.at('s'))
    const waiting = PathLock.acquire(directory.at('s'), { ...NO_WAIT, waitMs: 50 }, 200)
    assert.equal(await others.whileOthersPublish(waiting), undefined)
  })

  it('of no time is none, although others publish', async () => {
    await using directory = await tempDirectory()
    const others = await heldLock(directory.at('s'))
    const waiting = PathLock.acquire(directory.at('s'), NO_WAIT)
    assert.equal(await others.whileOthersPublish(waiting), undefined)
  })
})
