import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { parseFile } from './parse-file.ts'

const ROUTE = '{name: a, kind: http, listen: "tcp://0.0.0.0:1", upstream: "unix:/a"}'

function mistakesOf(text: string): string[] {
  try {
    parseFile(text, 'f')
  } catch (error) {
    assert.ok(error instanceof Failure)
    assert.equal(error.code, 'bad_config')
    return error.message.split('\n  ')
  }
  throw new Error('no mistake was found')
}

describe('a configuration file', () => {
  it('needs only routes; everything else has its default', () => {
    const { ops, drain, routes } = parseFile(`routes: [${ROUTE}]`, 'f')
    assert.deepEqual([ops, drain], [null, 5_000])
    const [route] = routes
    assert.ok(route?.kind === 'http')
    assert.deepEqual(route.allow, [{ methods: ['GET'], path: '/metrics' }])
    assert.equal(route.timeouts.connect, 1_000)
    assert.equal(route.limits.headBytes, 16_384)
  })

  it('may be JSON', () => {
    assert.equal(
      parseFile(
        JSON.stringify({ routes: [{ name: 's', kind: 'stream', listen: 'tcp://h:1', upstream: 'unix:@a' }] }),
        'f',
      ).routes.length,
      1,
    )
  })

  it('takes bounds with their units', () => {
    const text = `
routes:
  - name: a
    kind: http
    listen: tcp://0.0.0.0:1
    upstream: unix:/a
    timeouts: {connect: 250ms, total: 2m}
    limits: {headBytes: 8KiB, bodyBytes: 0, queue: 3}
`
    const [route] = parseFile(text, 'f').routes
    assert.ok(route?.kind === 'http')
    assert.deepEqual([route.timeouts.connect, route.timeouts.total], [250, 120_000])
    assert.deepEqual([route.limits.headBytes, route.limits.bodyBytes, route.limits.queue], [8_192, 0, 3])
  })

  it('with mistakes is refused with all of them, each on its line', () => {
    const text = `opps: tcp://0.0.0.0:1
drain: 5
routes:
  - name: Metrics
    kind: http
    listen: tcp://0.0.0.0
    upstream: unix:metrics.sock
    allow: [GET metrics]
    coalesce: maybe
    limits: {headBytes: 1, connection: 5}
  - kind: stream
    name: echo
    listen: tcp://0.0.0.0:7070
    upstream: unix:/run/echo.sock
    allow: [GET /]
  - {name: echo, kind: stream, listen: "tcp://0.0.0.0:7070", upstream: "unix:/b"}
  - {name: odd, kind: udp}
`
    const mistakes = mistakesOf(text)
    const expected = [
      /^f:1 opps is not a setting here; known are ops, drain, routes$/,
      /^f:2 drain is 5: may be a duration/,
      /^f:4 routes\[0\].name is "Metrics": may be lower-case/,
      /^f:6 routes\[0\].listen is "tcp:\/\/0.0.0.0": .*it is not host:port/,
      /^f:7 routes\[0\].upstream is "unix:metrics.sock": .*not absolute/,
      /^f:8 routes\[0\].allow\[0\] is "GET metrics": may be methods and a path/,
      /^f:9 routes\[0\].coalesce was removed: responses are not shared between clients any more/,
      /^f:10 routes\[0\].limits.headBytes is 1: may be a size such as .* from 256 to 1MiB/,
      /^f:10 routes\[0\].limits.connection is not a setting here; known are headBytes/,
      /^f:15 routes\[1\].allow is not a setting here/,
      /^f:16 routes\[2\].name "echo" is used twice/,
      /^f:16 routes\[2\].listen "tcp:\/\/0.0.0.0:7070" is used twice/,
      /^f:17 routes\[3\].kind is "udp": may be a route with kind: http or kind: stream/,
    ]
    assert.equal(mistakes.length, expected.length, mistakes.join('\n'))
    for (const [index, pattern] of expected.entries()) assert.match(mistakes[index] ?? '', pattern)
  })

  it('that is empty, has no route, or is no YAML is refused', () => {
    assert.match(mistakesOf('').join(), /f:1 the file is null/)
    assert.match(mistakesOf('routes: []').join(), /at least one route/)
    assert.match(mistakesOf('ops: null').join(), /f:1 routes is missing/)
    assert.match(mistakesOf('routes: [').join(), /f:1 /)
    assert.match(mistakesOf('a: 1\na: 2').join(), /f:2 Map keys must be unique/)
  })
})
