import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configFrom } from '../testing/sidecar-with.ts'
import { loadConfig } from './config.ts'

const ROUTE = 'name: a, kind: http, upstream: "unix:/u"'
const UNIX = 'listen: "unix:/l"'
const LOCAL = 'listen: "tcp://127.0.0.1:1"'
const PUBLIC = 'listen: "tcp://0.0.0.0:1"'
const CLIENTS =
  'clients: {tom: {token: /t}, bea: {basic: /b}, cer: {certificate: "spiffe://a/b"}, uma: {uid: 1}, gus: {gid: 2}}'

function refuses(text: string, message: RegExp): void {
  assert.throws(() => configFrom(text), { code: 'bad_config', message })
}

describe('clients', () => {
  it('are part of each route whose rules name them, in the order of the file', () => {
    const { routes, clients } = configFrom(
      `{${CLIENTS}, routes: [{${ROUTE}, ${UNIX}, allow: [GET /a for gus tom, GET /b for uma, GET /c]},
        {name: b, kind: stream, upstream: "unix:/u", listen: "unix:/m", for: [uma]}]}`,
    )
    assert.deepEqual(
      clients.map(({ name }) => name),
      ['tom', 'bea', 'cer', 'uma', 'gus'],
    )
    assert.deepEqual(routes[0]?.clients, [
      { name: 'tom', kind: 'token', file: '/t' },
      { name: 'uma', kind: 'uid', uid: 1 },
      { name: 'gus', kind: 'gid', gid: 2 },
    ])
    assert.deepEqual(routes[1]?.clients, [{ name: 'uma', kind: 'uid', uid: 1 }])
  })

  it('have exactly one kind, and a name that is no word of a rule; each mistake has its line', () => {
    const bad = (text: string, message: RegExp) =>
      refuses(`clients:\n  good: {uid: 1}\n  ${text}\nroutes: [{${ROUTE}, ${UNIX}}]`, message)
    bad('two: {uid: 1, gid: 2}', /^test.yaml:3 clients.two is .*exactly one of/)
    bad('two: {}', /^test.yaml:3 clients.two .*exactly one of/)
    bad('two: token', /^test.yaml:3 clients.two .*exactly one of/)
    bad('two: [token]', /^test.yaml:3 clients.two .*exactly one of/)
    bad('two:', /^test.yaml:3 clients.two .*exactly one of/)
    bad('two: {password: a}', /^test.yaml:3 clients.two .*exactly one of/)
    for (const name of [
      'Two',
      '2',
      't_o',
      'for',
      'long',
      'upgrade',
      'anonymous',
      'a'.repeat(64),
      '__proto__',
    ])
      bad(`${name}: {uid: 1}`, /^test.yaml:3 clients.* may have a name of/)
    bad('two: {token: relative}', /^test.yaml:3 clients.two.token is "relative": .*absolute path/)
    bad('two: {basic: 7}', /^test.yaml:3 clients.two.basic .*absolute path/)
    bad('two: {uid: -1}', /^test.yaml:3 clients.two.uid is -1: .*whole number/)
    bad('two: {uid: "1"}', /^test.yaml:3 clients.two.uid .*whole number/)
    bad('two: {gid: 4294967295}', /^test.yaml:3 clients.two.gid .*whole number/)
    bad('two: {certificate: ""}', /^test.yaml:3 clients.two.certificate /)
    refuses(`{clients: [a], routes: [{${ROUTE}, ${UNIX}}]}`, /clients .*mapping/)
  })

  it('are at most 256', () => {
    const some = (count: number) =>
      `{clients: {${Array.from({ length: count }, (_, index) => `c${index}: {uid: ${index}}`).join(', ')}}, routes: [{${ROUTE}, ${UNIX}}]}`
    assert.equal(configFrom(some(256)).clients.length, 256)
    refuses(some(257), /clients .*at most 256/)
  })
})

describe('for', () => {
  it('may name only clients of the file, each once', () => {
    const bad = (rule: string, message: RegExp) =>
      refuses(`${CLIENTS}\nroutes:\n  - {${ROUTE}, ${UNIX}, allow: [GET /ok,\n      ${rule}]}`, message)
    bad('GET /a for nobody', /^test.yaml:4 routes\[0\].allow\[1\] names nobody, which is no client: add it/)
    bad('GET /a for tom tom', /^test.yaml:4 .*twice/)
    bad('GET /a for', /^test.yaml:4 /)
  })

  it('is a list of them on a stream route and the operations port', () => {
    const stream = (list: string) =>
      `${CLIENTS}\nroutes: [{name: s, kind: stream, ${UNIX}, upstream: "unix:/u", for: ${list}}]`
    refuses(stream('[]'), /for .*list of names/)
    refuses(stream('uma'), /for .*list of names/)
    refuses(stream('[uma, uma]'), /for\[1\] names the client uma twice/)
    refuses(stream('[nobody]'), /for\[0\] names nobody/)
    refuses(stream('[For]'), /for\[0\] .*list of names/)
    const ops = (settings: string) => `{${CLIENTS}, ops: {${settings}}, routes: [{${ROUTE}, ${UNIX}}]}`
    refuses(ops('listen: "unix:/o", for: [nobody]'), /^test.yaml:1 ops.for\[0\] names nobody/)
    const { opsAccess } = configFrom(ops('listen: "unix:/o", for: [uma], hosts: [sidecar]'))
    assert.deepEqual(opsAccess, {
      hosts: ['sidecar'],
      for: ['uma'],
      clients: [{ name: 'uma', kind: 'uid', uid: 1 }],
    })
  })

  it('may name only clients that the listener can know', () => {
    const at = (listen: string, name: string) =>
      `{${CLIENTS}, routes: [{${ROUTE}, ${listen}, allow: [GET /a for ${name}]}]}`
    const tls = 'tls: {certificate: /c, key: /k}'
    const ca = 'tls: {certificate: /c, key: /k, clientCa: /ca}'
    for (const listen of [LOCAL, PUBLIC, UNIX, `${PUBLIC}, ${tls}`])
      refuses(at(listen, 'cer'), /names cer, .*tls.clientCa/)
    for (const listen of [LOCAL, PUBLIC, `${PUBLIC}, ${ca}`]) {
      refuses(at(listen, 'uma'), /names uma, .*Unix socket/)
      refuses(at(listen, 'gus'), /names gus, .*Unix socket/)
    }
    for (const name of ['tom', 'bea']) {
      for (const host of ['0.0.0.0', '[::]', '192.0.2.1', '128.0.0.1', 'localhost.example'])
        refuses(at(`listen: "tcp://${host}:1"`, name), /everybody on the network could read: add tls/)
      for (const listen of [UNIX, 'listen: "unix:@a"', `${PUBLIC}, ${tls}`]) configFrom(at(listen, name))
      for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]', '[::ffff:127.0.0.1]'])
        configFrom(at(`listen: "tcp://${host}:1"`, name))
    }
    configFrom(at(`${PUBLIC}, ${ca}`, 'cer'))
    const stream = `{${CLIENTS}, routes: [{name: s, kind: stream, ${UNIX}, upstream: "unix:/u", for: [tom]}]}`
    refuses(stream, /names tom, .*a stream has none/)
    refuses(
      `{${CLIENTS}, ops: {${PUBLIC}, for: [tom]}, routes: [{${ROUTE}, ${UNIX}}]}`,
      /ops.for\[0\] names tom, .*add tls/,
    )
  })
})

describe('hosts', () => {
  it('are names in lower case without port', () => {
    const route = (hosts: string) => `{routes: [{${ROUTE}, ${UNIX}, hosts: ${hosts}}]}`
    configFrom(route('[a, a.example, "*.example.org", xn--bcher-kva.example]'))
    for (const bad of ['A', 'a:80', 'http://a', '', '"*"', 'a..b', '-a', 'a/b', '"*.*.a"'])
      refuses(route(`[${bad === '' ? '""' : bad}]`), /hosts\[0\] .*host names/)
    refuses(route('a'), /hosts .*list of host names/)
  })
})

describe('SIDECAR_TOKEN', () => {
  const env = {
    SIDECAR_UPSTREAM: 'unix:/u',
    SIDECAR_LISTEN: 'tcp://127.0.0.1:1',
    SIDECAR_TOKEN: '/run/token',
  }
  const rulesOf = (more: NodeJS.ProcessEnv) => {
    const [route] = loadConfig({ ...env, ...more }).routes
    return route?.kind === 'http' ? route.allow.map(({ path, clients }) => [path, ...clients]) : []
  }

  it('makes every rule one for the client caller, the default rule too', () => {
    assert.deepEqual(rulesOf({}), [['/metrics', 'caller']])
    assert.deepEqual(rulesOf({ SIDECAR_ALLOW: 'GET /a, GET /b ?x, GET /c for caller' }), [
      ['/a', 'caller'],
      ['/b', 'caller'],
      ['/c', 'caller'],
    ])
    assert.deepEqual(loadConfig(env).clients, [{ name: 'caller', kind: 'token', file: '/run/token' }])
  })

  it('must not cross a network in clear, and is the only client', () => {
    const bad = (more: NodeJS.ProcessEnv, message: RegExp) =>
      assert.throws(() => loadConfig({ ...env, ...more }), { code: 'bad_config', message })
    bad({ SIDECAR_LISTEN: 'tcp://0.0.0.0:1' }, /SIDECAR_TOKEN .*without TLS/)
    bad({ SIDECAR_TOKEN: 'token' }, /SIDECAR_TOKEN .*absolute path/)
    bad({ SIDECAR_ALLOW: 'GET /a for other' }, /SIDECAR_ALLOW .*only caller/)
    bad({ SIDECAR_TOKEN: '', SIDECAR_ALLOW: 'GET /a for caller' }, /SIDECAR_ALLOW .*SIDECAR_TOKEN/)
    bad({ SIDECAR_CLIENT_CA: '/ca' }, /SIDECAR_CERTIFICATE/)
    const tls = { SIDECAR_CERTIFICATE: '/c', SIDECAR_KEY: '/k', SIDECAR_CLIENT_CA: '/ca' }
    assert.equal(
      loadConfig({ ...env, ...tls, SIDECAR_LISTEN: 'tcp://0.0.0.0:1' }).routes[0]?.tls?.clientCa,
      '/ca',
    )
    bad({ ...tls, SIDECAR_LISTEN: 'unix:/l' }, /SIDECAR_CLIENT_CA .*only for/)
    assert.equal(loadConfig({ ...env, SIDECAR_LISTEN: 'unix:/l' }).routes.length, 1)
  })
})
