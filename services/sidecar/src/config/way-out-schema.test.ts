import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { loadConfig } from './config.ts'
import { parseFile } from './parse-file.ts'

const TCP = 'upstream: "tcp://api.example.org:443", allow: [POST /v1/charges]'
const SOCKET = 'upstream: "unix:/u"'

function parsed(settings: string) {
  return parseFile(`routes: [{name: a, kind: http, listen: "unix:/a", ${settings}}]`, 'f').routes[0]
}

function mistakeIn(settings: string): string {
  try {
    parsed(settings)
  } catch (error) {
    assert.ok(error instanceof Failure && error.exitCode === 78)
    return error.message
  }
  throw new Error(`accepted: ${settings}`)
}

describe('the way out in a configuration file', () => {
  it('needs no more than upstreamTls: {}', () => {
    const route = parsed(`${TCP}, upstreamTls: {}`)
    assert.ok(route?.kind === 'http')
    assert.deepEqual(route.upstreamTls, { minVersion: 'TLSv1.2' })
  })

  it('may have a CA, a name, a certificate of its own, credentials, and who sends a request', () => {
    const route = parsed(`${TCP}, forwarded: true, credentials: {authorization: /a, X-Api-Key: /b},
      upstreamTls: {ca: /ca, serverName: "10.0.0.1", certificate: /c, key: /k, minVersion: TLSv1.3}`)
    assert.ok(route?.kind === 'http')
    assert.equal(route.upstreamTls?.serverName, '10.0.0.1')
    assert.equal(route.forwarded, true)
    assert.deepEqual(route.credentials, [
      { name: 'authorization', path: '/a' },
      { name: 'X-Api-Key', path: '/b' },
    ])
  })

  it('may have a kind: stream with upstreamTls, without rules', () => {
    const text =
      'routes: [{name: a, kind: stream, listen: "unix:/a", upstream: "tcp://db:5432", upstreamTls: {}}]'
    const [route] = parseFile(text, 'f').routes
    assert.ok(route?.kind === 'stream')
    assert.equal(route.upstreamTls?.minVersion, 'TLSv1.2')
  })

  const mistakes: readonly [settings: string, pattern: RegExp][] = [
    [`${SOCKET}, upstreamTls: {}`, /upstreamTls is only for an upstream on tcp:/],
    [`${SOCKET}, forwarded: true`, /forwarded is only for an upstream on tcp:.*always gets/],
    [`${SOCKET}, credentials: {authorization: /a}`, /credentials is only for an upstream on tcp:/],
    ['upstream: "tcp://h:1"', /routes\[0\].allow is missing: .* no default; name what the app may ask for/],
    ['upstream: "tcp://h:1", upstreamTls: {}', /allow is missing/],
    [`${TCP}, upstreamTls: {certificate: /c}`, /upstreamTls.key is missing: certificate needs it/],
    [`${TCP}, upstreamTls: {key: /c}`, /upstreamTls.certificate is missing: key needs it/],
    [`${TCP}, upstreamTls: {ca: relative}`, /upstreamTls.ca is "relative": may be the absolute path/],
    [`${TCP}, upstreamTls: {minVersion: TLSv1.1}`, /minVersion is "TLSv1.1": may be TLSv1.2 or TLSv1.3/],
    [`${TCP}, upstreamTls: {serverName: "a b"}`, /serverName is "a b": may be a host name/],
    [`${TCP}, upstreamTls: {serverName: "-a"}`, /serverName is "-a": may be a host name/],
    [`${TCP}, upstreamTls: {serverName: ""}`, /serverName is "": may be a host name/],
    [`${TCP}, upstreamTls: {verify: false}`, /upstreamTls.verify is not a setting here/],
    [`${TCP}, upstreamTls: true`, /upstreamTls is true: may have the settings ca, serverName/],
    [`${TCP}, upstreamTls: []`, /upstreamTls is \[\]: may have the settings/],
    [`${TCP}, forwarded: yes`, /forwarded is "yes": may be true or false/],
    [`${TCP}, credentials: {authorization: /a}`, /credentials needs upstreamTls: .*add upstreamTls: \{\}/],
    [`${TCP}, upstreamTls: {}, credentials: {}`, /credentials is \{\}: may be 1 to 16 field names/],
    [
      `${TCP}, upstreamTls: {}, credentials: [authorization]`,
      /credentials is .*: may be 1 to 16 field names/,
    ],
    [`${TCP}, upstreamTls: {}, credentials: {authorization: secret}`, /with the absolute path of a file/],
    [
      `${TCP}, upstreamTls: {}, credentials: {Authorization: /a, authorization: /b}`,
      /names one field twice; upper and lower case are the same/,
    ],
    [
      `upstream: "tcp://h:1", upstreamTls: {}, credentials: {cookie: /a}, allow: [GET /a, GET|TRACE /b]`,
      /routes\[0\].allow\[1\] may not have TRACE on a route with credentials/,
    ],
    [
      `${TCP}, upstreamTls: {}, credentials: {X-Auth-Email: /a}, passFields: [X_AUTH_EMAIL]`,
      /passFields\[0\] is also in credentials/,
    ],
  ]
  for (const [settings, pattern] of mistakes)
    it(`may not be: ${settings}`, () => assert.match(mistakeIn(settings), pattern))

  const names = [
    'Host',
    'content-length',
    'Transfer-Encoding',
    'connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
    'Proxy-Authorization',
    'Proxy-Connection',
    'Date',
    'Max-Forwards',
    'X-Request-Id',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-User',
    'X_Api_Key',
    '"a b"',
    '"a:"',
    '"x\\r\\ny"',
    '""',
    '__proto__',
    'a'.repeat(64),
  ]
  for (const name of names)
    it(`may not have ${name} as a credential`, () =>
      assert.match(
        mistakeIn(`${TCP}, upstreamTls: {}, credentials: {${name}: /a}`),
        /has a name that may not be a credential|may be 1 to 16 field names/,
      ))

  it('may have the names that providers use', () => {
    for (const name of ['Authorization', 'Cookie', 'X-Api-Key', 'CF-Access-Client-Secret', 'constructor'])
      assert.ok(parsed(`${TCP}, upstreamTls: {}, credentials: {${name}: /a}`), name)
  })
})

describe('the way out in environment variables', () => {
  it('needs SIDECAR_ALLOW', () => {
    const env = { SIDECAR_LISTEN: 'unix:/a', SIDECAR_UPSTREAM: 'tcp://h:1' }
    assert.throws(() => loadConfig(env), /SIDECAR_ALLOW is not set/)
    assert.equal(loadConfig({ ...env, SIDECAR_ALLOW: 'GET /a' }).routes.length, 1)
  })
})
