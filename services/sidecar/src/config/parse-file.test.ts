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
  throw new Error('the file was accepted')
}

describe('a configuration file', () => {
  it('needs only routes; every other setting has a default', () => {
    const { ops, drain, routes } = parseFile(`routes: [${ROUTE}]`, 'f')
    assert.deepEqual([ops, drain], [null, 5_000])
    const [route] = routes
    assert.ok(route?.kind === 'http')
    assert.deepEqual(route.allow, [{ methods: ['GET'], path: '/metrics', long: false, clients: [] }])
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

  it('may set bounds, with their units', () => {
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

  it('with mistakes is refused, and the message lists each with its line', () => {
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
      /^f:1 opps is not a setting here; the known settings are ops, clients, drain, accessLog, trace, routes$/,
      /^f:2 drain is 5: may be a duration/,
      /^f:4 routes\[0\].name is "Metrics": may have lower-case/,
      /^f:6 routes\[0\].listen is "tcp:\/\/0.0.0.0": .*it is not host:port/,
      /^f:7 routes\[0\].upstream is "unix:metrics.sock": .*not absolute/,
      /^f:8 routes\[0\].allow\[0\] is "GET metrics": may be methods and a path/,
      /^f:9 routes\[0\].coalesce was removed: the sidecar no longer shares one response between clients/,
      /^f:10 routes\[0\].limits.headBytes is 1: may be a size such as .* from 256 to 1MiB/,
      /^f:10 routes\[0\].limits.connection is not a setting here; the known settings are headBytes/,
      /^f:15 routes\[1\].allow is not a setting here/,
      /^f:16 routes\[2\].name "echo" is used twice/,
      /^f:16 routes\[2\].listen "tcp:\/\/0.0.0.0:7070" is used twice/,
      /^f:17 routes\[3\].kind is "udp": may be a route with kind: http, kind: stream or kind: connect/,
    ]
    assert.equal(mistakes.length, expected.length, mistakes.join('\n'))
    for (const [index, pattern] of expected.entries()) assert.match(mistakes[index] ?? '', pattern)
  })

  it('may say which requests have a line in the log, and whether traces begin', () => {
    const { accessLog, trace } = parseFile(`accessLog: off\ntrace: true\nroutes: [${ROUTE}]`, 'f')
    assert.deepEqual([accessLog, trace], ['off', true])
    for (const value of ['false', 'Off', '[all]', 'null'])
      assert.match(
        mistakesOf(`accessLog: ${value}\nroutes: [${ROUTE}]`).join(),
        /^f:1 accessLog is .*off, failed, all$/,
      )
    for (const value of ['yes', '1', '"true"'])
      assert.match(
        mistakesOf(`trace: ${value}\nroutes: [${ROUTE}]`).join(),
        /^f:1 trace is .*may be true or false$/,
      )
  })

  it('is refused when it is empty, has no route, or is not YAML', () => {
    assert.match(mistakesOf('').join(), /f:1 the file is null/)
    assert.match(mistakesOf('routes: []').join(), /at least one route/)
    assert.match(mistakesOf('ops: null').join(), /f:1 routes is missing/)
    assert.match(mistakesOf('routes: [').join(), /f:1 /)
    assert.match(mistakesOf('a: 1\na: 2').join(), /f:2 Map keys must be unique/)
  })
})

describe('a configuration file with special YAML', () => {
  const config = `routes: [${ROUTE}]`
  const bomb = [
    'a: &a [x, x]',
    ...[...'bcdefgh'].map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]}, `.repeat(9)}]`),
  ]

  for (const [what, text, expected] of [
    ['an unknown alias', `${config}\nops: *none`, /^f:2 alias \*none has no anchor before it$/],
    ['an alias inside its own anchor', 'routes:\n  &a [*a]', /^f:2 alias \*a is inside its own anchor$/],
    ['a file that contains itself', '&a {routes: *a}', /^f:1 alias \*a is inside its own anchor$/],
    ['aliases that expand exponentially', bomb.join('\n'), /^f:1 the aliases of the file cannot be expanded/],
    ['too many aliases', `a: &a x\nb: [${'*a,'.repeat(101)}]`, /^f:2 the file has more than 100 aliases$/],
    ['a binary tag', `${config}\nops: !!binary aGk=`, /^f:2 Unresolved tag: .*binary$/],
    ['a set', `${config}\nops: !!set {a}`, /^f:2 Unresolved tag: .*set$/],
    ['a custom tag', `${config}\nops: !mine a`, /^f:2 Unresolved tag: !mine$/],
    ['YAML 1.1', `%YAML 1.1\n---\n${config}`, /^f:1 the file is YAML 1.1: remove the directive/],
    ['an unknown YAML version', `%YAML 9.9\n---\n${config}`, /^f:1 Unsupported YAML version 9.9$/],
    ['two documents', `${config}\n---\n${config}`, /^f:2 the file has more than one YAML document$/],
    ['a merge key', `${config}\n<<: {ops: null}`, /^f:2 << is not a setting here/],
    ['a list as a key', `${config}\n? [a]\n: b`, /^f:2 the name of a setting must be text$/],
    [
      'lists nested 40 deep',
      `ops: ${'['.repeat(40)}${']'.repeat(40)}`,
      /^f:1 lists or mappings are nested more than 32/,
    ],
    [
      'lists nested 10,000 deep',
      `ops: ${'['.repeat(10_000)}`,
      /^f:1 lists or mappings are nested too deeply/,
    ],
    [
      'too many keys',
      Array.from({ length: 80_000 }, (_, i) => `k${i}: 1`).join('\n'),
      /^f:\d+ the file has more than 60000 YAML tokens$/,
    ],
    [
      'a name that every JavaScript object has',
      `${config}\ntoString: 1`,
      /^f:2 toString is not a setting here/,
    ],
    ['__proto__', `${config}\n__proto__: {ops: 1}`, /^f:2 __proto__ is not a setting here/],
  ] as const) {
    it(`is refused for ${what}`, () => assert.match(mistakesOf(text)[0] ?? '', expected))
  }

  it('is accepted when an alias stands for plain values', () => {
    const second = ROUTE.replace('name: a', 'name: b').replace(':1"', ':2"').replace('}', ', timeouts: *t}')
    const { routes } = parseFile(
      `routes: [${ROUTE.replace('}', ', timeouts: &t {total: 1m}}')}, ${second}]`,
      'f',
    )
    assert.deepEqual(
      routes.map(({ timeouts }) => 'total' in timeouts && timeouts.total),
      [60_000, 60_000],
    )
  })

  it('has its first 100 mistakes listed, and the number of the others', () => {
    const mistakes = mistakesOf(`routes: [${'5, '.repeat(150)}]`)
    assert.equal(mistakes.length, 101)
    assert.equal(mistakes.at(-1), 'and 50 more')
  })
})

describe('a bound in a configuration file', () => {
  for (const value of [
    '[5s]',
    '{}',
    'true',
    'null',
    '5',
    '-1s',
    '1.5s',
    '.nan',
    '99999999999999999999999',
    '[[5s]]',
  ])
    it(`is refused as drain: ${value}`, () =>
      assert.match(
        mistakesOf(`routes: [${ROUTE}]\ndrain: ${value}`).join(),
        /^f:2 drain is .*: may be a duration/,
      ))

  for (const more of [
    'headBytes: [16KiB]',
    'headBytes: true',
    'headBytes: -512',
    'queue: "5"',
    'queue: [5]',
    'queue: .inf',
  ])
    it(`is refused as ${more}`, () =>
      assert.match(mistakesOf(`routes: [${ROUTE.replace('}', `, limits: {${more}}}`)}]`).join(), /may be a/))

  for (const more of ['limits: []', 'limits: [1]', 'limits: x', 'limits: null', 'timeouts: []'])
    it(`is refused inside ${more}`, () =>
      assert.match(
        mistakesOf(`routes: [${ROUTE.replace('}', `, ${more}}`)}]`).join(),
        /may have the settings/,
      ))

  it('is refused when the file is a list, or routes is a mapping', () => {
    assert.match(mistakesOf('[]').join(), /^f:1 the file is \[\]: may have the settings ops/)
    assert.match(mistakesOf('routes: {}').join(), /^f:1 routes is {}: may be a list of routes/)
  })
})

describe('an allow list in a configuration file', () => {
  for (const [rule, expected] of [
    ['CONNECT /x', /CONNECT, which kind: http does not relay/],
    ['GET|CONNECT /x', /CONNECT, which kind: http does not relay/],
    ['"CONNECT *"', /CONNECT, which kind: http does not relay/],
    ['"GET *"', /the path \* only with OPTIONS/],
    ['"OPTIONS|GET *"', /the path \* only with OPTIONS/],
  ] as const)
    it(`may not contain ${rule}`, () =>
      assert.match(mistakesOf(`routes: [${ROUTE.replace('}', `, allow: [${rule}]}`)}]`).join(), expected))

  for (const [rule, expected] of [
    ['GET|POST /a upgrade WebSocket', /may have upgrade websocket only with GET \(RFC 6455 section 4.1\)/],
    ['GET /{a}b', /may be methods and a path.*; here "\{a\}b" in its path must be \{name\} alone/],
    ['GET /a ?b=1', /; here the name "b=1" in its query has "="/],
  ] as const)
    it(`may not contain ${rule}`, () =>
      assert.match(mistakesOf(`routes: [${ROUTE.replace('}', `, allow: ["${rule}"]}`)}]`).join(), expected))

  it('may contain OPTIONS *', () => {
    const [route] = parseFile(`routes: [${ROUTE.replace('}', ', allow: ["OPTIONS *"]}')}]`, 'f').routes
    assert.deepEqual(route?.kind === 'http' && route.allow, [
      { methods: ['OPTIONS'], path: '*', long: false, clients: [] },
    ])
  })
})

it('an endpoint may not be a multicast address, or a link-local address without a scope', () => {
  for (const host of ['[fe80::1]', '[FEBF::1]', '224.0.0.1', '239.1.2.3', '255.255.255.255', '[ff02::1]'])
    for (const key of ['listen', 'upstream']) {
      const text = ROUTE.replace(new RegExp(`${key}: "[^"]*"`), `${key}: "tcp://${host}:80"`)
      const expected = new RegExp(
        `^f:1 routes\\[0\\].${key} is .*(add one, such as .*%eth0|which TCP cannot use)`,
      )
      assert.match(mistakesOf(`routes: [${text}]`).join(), expected)
    }
  const scoped = ROUTE.replace('tcp://0.0.0.0:1', 'tcp://[fe80::1%eth0]:1')
  assert.deepEqual(parseFile(`routes: [${scoped}]`, 'f').routes[0]?.listen, {
    kind: 'tcp',
    host: 'fe80::1%eth0',
    port: 1,
  })
})

describe('a route on unix:/path in a configuration file', () => {
  const UNIX = '{name: a, kind: http, listen: "unix:/run/a.sock", upstream: "unix:/u"}'
  const withSettings = (more: string, route = UNIX) => `routes: [${route.replace('}', `, ${more}}`)}]`

  it('may have mode, group and onConflict; without them it has none', () => {
    const rightsOf = (text: string) => {
      const [{ mode, group, onConflict } = {}] = parseFile(text, 'f').routes
      return [mode, group, onConflict]
    }
    assert.deepEqual(rightsOf(withSettings('mode: "0620", group: 10100, onConflict: takeover')), [
      0o620,
      10_100,
      'takeover',
    ])
    assert.deepEqual(rightsOf(withSettings("mode: '600', group: 0, onConflict: refuse")), [
      0o600,
      0,
      'refuse',
    ])
    assert.deepEqual(rightsOf(`routes: [${UNIX}]`), [undefined, undefined, undefined])
    const stream = '{name: a, kind: stream, listen: "unix:///run/a.sock", upstream: "unix:/u"}'
    assert.deepEqual(rightsOf(withSettings('mode: "0666"', stream)), [0o666, undefined, undefined])
  })

  for (const mode of [
    '0660',
    '660',
    '0o660',
    '"0460"',
    '"0060"',
    '"0668"',
    '"2660"',
    '"rw-rw----"',
    '""',
    'null',
    '[a]',
  ])
    it(`may not have mode: ${mode}`, () =>
      assert.match(
        mistakesOf(withSettings(`mode: ${mode}`)).join(),
        /^f:1 routes\[0\].mode is .*: may be the permission bits as a quoted octal string with w for the owner/,
      ))

  for (const group of ['"10100"', '-1', '1.5', '2147483648', 'metrics', 'null', '.nan'])
    it(`may not have group: ${group}`, () =>
      assert.match(
        mistakesOf(withSettings(`group: ${group}`)).join(),
        /^f:1 routes\[0\].group is .*: may be a group id, a whole number from 0 to 2147483647$/,
      ))

  for (const onConflict of ['replace', 'Takeover', 'true', 'null'])
    it(`may not have onConflict: ${onConflict}`, () =>
      assert.match(
        mistakesOf(withSettings(`onConflict: ${onConflict}`)).join(),
        /^f:1 routes\[0\].onConflict is .*: may be refuse or takeover$/,
      ))

  it('has all its mistakes reported at once, each with its line, also that another route has no socket file', () => {
    const text = `routes:
  - name: a
    kind: stream
    listen: unix:/run/a.sock
    upstream: tcp://db:5432
    mode: 0660
    group: metrics
    onConflict: ask
  - name: b
    kind: http
    listen: tcp://0.0.0.0:1
    upstream: unix:/b
    mode: "0660"
    group: 1
    onConflict: refuse
  - name: c
    kind: http
    listen: unix:@c
    upstream: unix:/c
    mode: 5
  - {name: d, kind: http, listen: "unix:///run/a.sock", upstream: "unix:/d"}
`
    const expected = [
      /^f:6 routes\[0\].mode is 660: may be the permission bits as a quoted octal string/,
      /^f:7 routes\[0\].group is "metrics": may be a group id/,
      /^f:8 routes\[0\].onConflict is "ask": may be refuse or takeover$/,
      /^f:13 routes\[1\].mode is only for a route that listens on unix:\/path/,
      /^f:14 routes\[1\].group is only for/,
      /^f:15 routes\[1\].onConflict is only for/,
      /^f:20 routes\[2\].mode is 5: may be the permission bits/,
      /^f:20 routes\[2\].mode is only for/,
      /^f:21 routes\[3\].listen "unix:\/\/\/run\/a.sock" is used twice$/,
    ]
    const mistakes = mistakesOf(text)
    assert.equal(mistakes.length, expected.length, mistakes.join('\n'))
    for (const [index, pattern] of expected.entries()) assert.match(mistakes[index] ?? '', pattern)
  })
})
