import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { parseFile } from './parse-file.ts'

function routeWith(settings: string, kind = 'http') {
  const rest = kind === 'connect' ? 'allow: ["CONNECT a.example:443"]' : 'upstream: "unix:/a"'
  const text = `routes: [{name: a, kind: ${kind}, listen: "tcp://127.0.0.1:1", ${rest}, ${settings}}]`
  return parseFile(text, 'f').routes[0]
}

function mistakeOf(settings: string, kind?: string): string {
  try {
    routeWith(settings, kind)
  } catch (error) {
    assert.ok(error instanceof Failure)
    return error.message
  }
  throw new Error(`accepted: ${settings}`)
}

function readyOf(settings: string) {
  const route = routeWith(settings)
  assert.ok(route?.kind === 'http')
  return route.ready
}

describe('ready of a route', () => {
  it('has defaults for within and every', () => {
    assert.deepEqual(readyOf('ready: {get: /-/ready}'), { get: '/-/ready', within: 1_000, every: 5_000 })
  })

  it('is nothing where it is not set', () => {
    assert.equal(readyOf('optional: false'), undefined)
  })

  it('takes durations, and a path with a query', () => {
    assert.deepEqual(readyOf('ready: {get: "/a%20b?x=1&y", within: 250ms, every: 1m}'), {
      get: '/a%20b?x=1&y',
      within: 250,
      every: 60_000,
    })
  })

  for (const get of [
    '""',
    'ready',
    '"GET /ready"',
    '"/a b"',
    '"/a#b"',
    '"/%zz"',
    '"http://a/b"',
    '"/é"',
    '5',
    '"/a\\r\\nb"',
    'null',
    `"/${'a'.repeat(1_024)}"`,
  ]) {
    it(`is refused with get: ${get.slice(0, 20)}`, () => {
      assert.match(
        mistakeOf(`ready: {get: ${get}}`),
        /^f:1 routes\[0\]\.ready\.get is .*may be a path of the app/s,
      )
    })
  }

  for (const [setting, message] of [
    ['within: 5', /ready\.within is 5: may be a duration such as 500ms, 5s or 1m from 10ms to 1m/],
    ['within: 9ms', /ready\.within is "9ms": may be a duration/],
    ['within: 61s', /ready\.within is "61s": may be a duration/],
    ['every: 99ms', /ready\.every is "99ms": may be a duration such as 500ms, 5s or 1m from 100ms to 1h/],
    ['every: 0s', /ready\.every is "0s"/],
    ['each: 1s', /ready\.each is not a setting here; the known settings are get, within, every/],
  ] as const) {
    it(`is refused with ${setting}`, () => {
      assert.match(mistakeOf(`ready: {get: /r, ${setting}}`), message)
    })
  }

  it('needs get', () => {
    assert.match(mistakeOf('ready: {within: 1s}'), /routes\[0\]\.ready\.get is missing/)
    for (const text of ['/-/ready', 'true', '[]', '{}']) assert.match(mistakeOf(`ready: ${text}`), /ready/)
  })

  it('is only for kind: http', () => {
    for (const kind of ['stream', 'connect'])
      assert.match(mistakeOf('ready: {get: /r}', kind), /routes\[0\]\.ready is not a setting here/)
  })
})

describe('optional of a route', () => {
  it('is false by default, and may be set on each kind', () => {
    assert.equal(routeWith('ready: {get: /r}')?.optional, false)
    for (const kind of ['http', 'stream', 'connect'])
      assert.equal(routeWith('optional: true', kind)?.optional, true)
  })

  for (const value of ['yes', '1', '"true"', 'null', '{}']) {
    it(`is refused as ${value}`, () => {
      assert.match(mistakeOf(`optional: ${value}`), /routes\[0\]\.optional is .*: may be true or false/)
    })
  }
})
