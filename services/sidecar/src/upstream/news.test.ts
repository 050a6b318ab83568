import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { News } from './upstream-log.ts'

describe('what is worth a line in the log', () => {
  it('is good news the first time, and after bad news', () => {
    const news = new News()
    assert.deepEqual([news.isGoodNews(), news.isGoodNews()], [true, false])
    assert.ok(news.isBadNews('a'))
    assert.deepEqual([news.isGoodNews(), news.isGoodNews()], [true, false])
  })

  it('is bad news that differs, and the same again only after 10 s', () => {
    const clock = { ms: 0 }
    const news = new News(() => clock.ms)
    assert.deepEqual([news.isBadNews('a'), news.isBadNews('a'), news.isBadNews('b')], [true, false, true])
    clock.ms = 10_000
    assert.ok(news.isBadNews('a'))
  })

  it('is bad news that goes on and was not told when it came back', () => {
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

  it('is not that all is well after bad news which was not told', () => {
    const news = new News(() => 0)
    news.isBadNews('a')
    news.isGoodNews()
    assert.equal(news.isBadNews('a'), false)
    assert.equal(news.isGoodNews(), false)
  })
})
