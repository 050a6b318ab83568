import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { News } from './upstream-state.ts'

describe('a success of the upstream', () => {
  it('is logged the first time, and after a failure that was logged', () => {
    const news = new News()
    assert.deepEqual([news.isGoodNews(), news.isGoodNews()], [true, false])
    assert.ok(news.isBadNews('a'))
    assert.deepEqual([news.isGoodNews(), news.isGoodNews()], [true, false])
  })

  it('is not logged after a failure that was not logged', () => {
    const news = new News(() => 0)
    news.isBadNews('a')
    news.isGoodNews()
    assert.equal(news.isBadNews('a'), false)
    assert.equal(news.isGoodNews(), false)
  })
})

describe('a failure of the upstream', () => {
  it('is logged when it differs from the last one, and the same again only after 10 s', () => {
    const clock = { ms: 0 }
    const news = new News(() => clock.ms)
    assert.deepEqual([news.isBadNews('a'), news.isBadNews('a'), news.isBadNews('b')], [true, false, true])
    clock.ms = 10_000
    assert.ok(news.isBadNews('a'))
  })

  it('is logged later when it came back too early to be logged, and continues', () => {
    const clock = { ms: 0 }
    const news = new News(() => clock.ms)
    assert.ok(news.isBadNews('a'))
    assert.ok(news.isGoodNews())
    clock.ms = 9_999
    assert.equal(news.isBadNews('a'), false)
    clock.ms = 10_000
    assert.ok(news.isBadNews('a'))
    clock.ms = 30_000
    assert.equal(news.isBadNews('a'), false)
    assert.ok(news.isGoodNews())
  })
})
