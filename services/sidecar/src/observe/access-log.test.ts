import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { LogOutput } from '@uds-sidecar/shared/lifecycle/log-output'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { NOTHING_KNOWN } from '../relay/exchange-log.ts'
import { type AccessLine, AccessLog, RouteLog } from './access-log.ts'

/** A log whose clock stands still until the test moves it. */
function startedLog({ level = 'info', hasRoom = true }: { level?: 'info' | 'warn'; hasRoom?: boolean } = {}) {
  const state = { nowMs: 5_000, hasRoom, text: '' }
  const output = {
    offer(line: string) {
      if (state.hasRoom) state.text += line
      return state.hasRoom
    },
    flush() {},
  }
  const log = new AccessLog(createLog('sidecar', level, new LogOutput(() => 0)), output, () => state.nowMs)
  log.setting = 'all'
  const route = new RouteLog(log, 'web')
  const add = (line: Partial<AccessLine> = {}, into = route) => {
    const whole = { ...NOTHING_KNOWN, totalMs: 1, ...line }
    into.add(whole.status, whole.code, () => whole)
  }
  const lines = () => {
    log.flush()
    return state.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  }
  const written = () => state.text.split('\n').length - 1
  return { state, log, add, lines, written, other: new RouteLog(log, 'other') }
}

describe('the access log', () => {
  it('has a line with the same fields for each request', () => {
    const { add, lines } = startedLog()
    add({ status: 200, method: 'GET', path: '/a', address: '192.0.2.1', totalMs: 1.23456 })
    const [{ time, ...line }] = lines()
    assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.deepEqual(line, {
      level: 'info',
      service: 'sidecar',
      msg: 'request',
      route: 'web',
      client: null,
      address: '192.0.2.1',
      uid: null,
      method: 'GET',
      path: '/a',
      status: 200,
      code: null,
      bytesFromClient: 0,
      bytesToClient: 0,
      requestId: null,
      queueMs: null,
      connectMs: null,
      headMs: null,
      totalMs: 1.235,
      traceId: null,
    })
  })

  it('with failed, leaves out what ended well, and what the app itself denies', () => {
    const { log, add, lines } = startedLog()
    log.setting = 'failed'
    for (const status of [101, 200, 301, 401, 404]) add({ status })
    add({ status: null })
    assert.deepEqual(lines(), [])
    add({ status: 500 })
    add({ status: 403, code: 'path_not_allowed' })
    add({ status: 200, code: 'upstream_truncated' })
    add({ status: null, code: 'client_left' })
    assert.deepEqual(
      lines().map(({ level, status, code }) => [level, status, code]),
      [
        ['warn', 500, null],
        ['info', 403, 'path_not_allowed'],
        ['error', 200, 'upstream_truncated'],
        ['info', null, 'client_left'],
      ],
    )
  })

  it('with off, has nothing', () => {
    const { log, add, lines } = startedLog()
    log.setting = 'off'
    add({ status: 500, code: 'internal_error' })
    assert.deepEqual(lines(), [])
  })

  it('follows LOG_LEVEL', () => {
    const { add, lines } = startedLog({ level: 'warn' })
    add({ status: 200 })
    add({ status: 503, code: 'socket_missing' })
    assert.deepEqual(
      lines().map(({ level }) => level),
      ['warn'],
    )
  })

  it('has 100 lines a second, and then says how many it left out, by route and code', () => {
    const { log, state, add, lines, other } = startedLog()
    for (let i = 0; i < 150; i++) add({ status: 200 })
    add({ status: 403, code: 'path_not_allowed' }, other)
    assert.equal(lines().length, 100)
    state.nowMs += 999
    add({ status: 200 })
    assert.equal(lines().length, 100)
    state.nowMs += 1
    add({ status: 200 })
    assert.equal(lines().length, 101)
    log[Symbol.dispose]()
    const { level, msg, leftOut, byRoute } = lines().at(-1)
    assert.deepEqual([level, msg], ['warn', 'lines were left out of the access log'])
    assert.equal(leftOut, 52)
    assert.deepEqual(byRoute, { web: { '2xx': 51 }, other: { path_not_allowed: 1 } })
    log[Symbol.dispose]()
    assert.equal(lines().length, 102, 'it says so once')
  })

  it('writes lines together after a second, and those that are left at the end', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const { log, add, written } = startedLog()
    add({ status: 200 })
    mock.timers.tick(600)
    add({ status: 200 })
    mock.timers.tick(399)
    assert.equal(written(), 0)
    mock.timers.tick(1)
    assert.equal(written(), 2)
    add({ status: 200 })
    log[Symbol.dispose]()
    assert.equal(written(), 3)
  })

  it('writes a failure within 100 ms, with the lines before it', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const { add, written } = startedLog()
    add({ status: 200 })
    add({ status: 502, code: 'upstream_reset' })
    add({ status: 200 })
    mock.timers.tick(99)
    assert.equal(written(), 0)
    mock.timers.tick(1)
    assert.equal(written(), 3)
  })

  it('does not wait when 50 lines have come', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const { add, written } = startedLog()
    for (let i = 0; i < 70; i++) add({ status: 200 })
    assert.equal(written(), 50)
    mock.timers.tick(1_000)
    assert.equal(written(), 70)
  })

  it('says it by itself, a second later', async () => {
    const { add, lines } = startedLog()
    for (let i = 0; i < 101; i++) add({ status: 200 })
    await eventually('the summary', () => lines().at(-1).leftOut === 1)
  })

  it('counts what a slow reader does not take, and says so when it reads again', async () => {
    const { state, add, lines } = startedLog({ hasRoom: false })
    for (let i = 0; i < 3; i++) add({ status: 502, code: 'upstream_reset' })
    assert.deepEqual(lines(), [])
    state.hasRoom = true
    await eventually('the summary', () => lines().length === 1)
    assert.deepEqual(lines()[0].byRoute, { web: { upstream_reset: 3 } })
  })

  it('is plain text, and one line for each request, whatever a client sends', () => {
    const { state, add, lines } = startedLog()
    const hostile = '\u001b[31m\u009b2J\u2028\u2029\ud800\r\n\u202e\0"\\\u007f'
    const path = `/${hostile.replace('\ud800', 'é')}` // bytes that are no UTF-8 never give half a pair
    add({ path: Buffer.from(path).toString('latin1'), method: hostile, requestId: hostile })
    const [line] = lines()
    assert.match(state.text, /^[ -~é]*\n$/)
    assert.equal(line.path, path)
    assert.equal(line.method, hostile)
  })

  it('says when a request ended, not when its line was written', () => {
    const { state, add, lines } = startedLog()
    add({ status: 200 })
    state.nowMs += 700
    add({ status: 200 })
    const [first = 0, second = 0] = lines().map(({ time }) => Date.parse(time))
    assert.equal(second - first, 700)
    assert.ok(Math.abs(Date.now() - second) < 60_000)
  })

  it('shortens a path and a method', () => {
    const { add, lines } = startedLog()
    add({ path: `/${'a'.repeat(100_000)}`, method: 'M'.repeat(1_000) })
    const [{ path, method }] = lines()
    assert.equal(path, `/${'a'.repeat(255)}…`)
    assert.equal(method, `${'M'.repeat(256)}…`)
  })
})
