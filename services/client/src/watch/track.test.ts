import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Look } from './target.ts'
import { follow, type News, type Track } from './track.ts'

const up = (socket: string): Look => ({ state: 'up', ms: 1, socket })
const down = (state: string, socket: string | null): Look => ({ state, ms: null, socket })

/** One look per second. */
function followAll(...looks: Look[]): { track: Track | undefined; news: News[][] } {
  let track: Track | undefined
  const news = looks.map((look, i) => {
    const followed = follow(track, look, i * 1_000)
    track = followed.track
    return followed.news
  })
  return { track, news }
}

describe('follow', () => {
  it('reports the first state, and then only changes', () => {
    const { news, track } = followAll(up('a'), up('a'), down('socket_stale', 'a'))
    const stale = { event: 'state', was: 'up', wasForMs: 2_000 }
    assert.deepEqual(news, [[{ event: 'state' }], [], [stale]])
    assert.equal(track?.since, 2_000)
  })

  it('counts failures by code and keeps the latencies of responses', () => {
    const { track } = followAll(
      up('a'),
      down('socket_stale', 'a'),
      down('socket_missing', null),
      down('socket_stale', 'a'),
    )
    assert.deepEqual(track?.errors, { socket_stale: 2, socket_missing: 1 })
    assert.deepEqual(track?.recentMs, [1])
  })

  it('reports a takeover: another socket without a gap', () => {
    const { news, track } = followAll(up('a'), up('b'))
    assert.deepEqual(news[1], [{ event: 'replaced' }])
    assert.equal(track?.generation, 2)
  })

  it('reports a restart as a change of state, with a higher generation', () => {
    const { news, track } = followAll(up('a'), down('socket_missing', null), up('b'))
    assert.deepEqual(news[2], [{ event: 'state', was: 'socket_missing', wasForMs: 1_000 }])
    assert.equal(track?.generation, 2)
  })

  it('counts no generation if no socket is visible', () => {
    const { track } = followAll(down('socket_denied', null), down('socket_denied', null))
    assert.equal(track?.generation, 0)
  })
})
