import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Attempts, callerGroup } from './attempts.ts'

/** Results of so many failures of one caller. */
function fail(attempts: Attempts, caller: string, count: number): boolean[] {
  return Array.from({ length: count }, () => attempts.failed(caller))
}

describe('failed attempts', () => {
  it('are over the limit from the 11th in a minute on', () => {
    let now = 0
    const attempts = new Attempts(() => now)
    assert.deepEqual(fail(attempts, '10.0.0.1', 11), [...Array(10).fill(false), true])
    now = 59_999
    assert.equal(attempts.failed('10.0.0.1'), true)
    assert.equal(attempts.failed('10.0.0.2'), false)
  })

  it('count in a window that slides, so that the turn of a minute doubles nothing', () => {
    let now = 0
    const attempts = new Attempts(() => now)
    fail(attempts, 'uid 1', 5)
    now = 50_000
    fail(attempts, 'uid 1', 5)
    now = 60_001 // the first five are over
    assert.deepEqual(fail(attempts, 'uid 1', 6), [false, false, false, false, false, true])
    now = 120_002
    assert.equal(attempts.failed('uid 1'), false)
  })

  it('of any number of callers need bounded memory', () => {
    const attempts = new Attempts(() => 0)
    for (let i = 0; i < 30_000; i++) attempts.failed(`uid ${i}`)
    assert.equal(attempts.size, 5_000)
    for (let i = 0; i < 6_000; i++) fail(attempts, `uid ${i}`, 10)
    assert.ok(attempts.size <= 10_000)
  })

  it('of a caller at the limit are not forgotten in a flood of other addresses', () => {
    const attempts = new Attempts(() => 0)
    fail(attempts, '10.0.0.1', 10)
    for (let i = 0; i < 30_000; i++) attempts.failed(`uid ${i}`)
    assert.equal(attempts.failed('10.0.0.1'), true)
  })

  it('are forgotten when their minute is over', () => {
    let now = 0
    const attempts = new Attempts(() => now)
    for (let i = 0; i < 100; i++) attempts.failed(`uid ${i}`)
    now = 60_000
    attempts.failed('uid 1000')
    assert.equal(attempts.size, 1)
  })

  it('count for a whole network of 64 bits on IPv6', () => {
    const attempts = new Attempts(() => 0)
    for (let i = 1; i <= 10; i++) assert.equal(attempts.failed(`2001:db8:0:1::${i}`), false)
    assert.equal(attempts.failed('2001:db8:0:1:ffff:ffff:ffff:ffff'), true)
    assert.equal(attempts.failed('2001:db8:0:2::1'), false)
  })
})

describe('callers that count as one', () => {
  for (const [caller, group] of [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['0:0:0:0:0:ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['64:ff9b::10.0.0.1', '64:ff9b:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64%eth0'],
    ['uid 1000', 'uid 1000'],
    ['unknown', 'unknown'],
    ['', ''],
  ] as const)
    it(`${JSON.stringify(caller)} counts as ${JSON.stringify(group)}`, () => {
      assert.equal(callerGroup(caller), group)
    })
})
