import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { configOf } from './config.ts'
import { parseFile } from './parse-file.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** One route of kind connect, on line 1. */
function routeText(settings: string): string {
  return `routes: [{name: out, kind: connect, listen: "unix:/run/out.sock", ${settings}}]`
}

const ALLOW = 'allow: ["CONNECT api.example.org:443"]'

function mistakesOf(settings: string): string {
  try {
    parseFile(routeText(settings), 'f')
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'no mistake'
}

describe('a route of kind connect', () => {
  it('needs a listener and its rules; everything else has a default', () => {
    const [route] = configOf(parseFile(routeText(ALLOW), 'f')).routes
    assert.ok(route?.kind === 'connect')
    assert.deepEqual(route.allow, [{ host: 'api.example.org', port: 443, clients: [] }])
    assert.deepEqual([route.sni, route.allowAddresses], ['required', []])
    assert.deepEqual(route.timeoutsMs, { head: 10_000, connect: 5_000, hello: 5_000, idle: 600_000 })
    assert.deepEqual(route.limits, {
      headBytes: 16_384,
      fields: 128,
      connections: 4_096,
      connectionsPerAddress: 1_024,
      tunnels: 1_024,
    })
  })

  it('may have the rights of its socket, sni: any and blocks of addresses', () => {
    const settings =
      'mode: "0660", group: 10400, onConflict: takeover, sni: any, allowAddresses: [10.0.0.0/8, "fd00::/8", "::1/128"]'
    const [route] = configOf(parseFile(routeText(`${ALLOW}, ${settings}`), 'f')).routes
    assert.ok(route?.kind === 'connect')
    assert.deepEqual(
      [route.mode, route.group, route.onConflict, route.sni, route.allowAddresses],
      [0o660, 10_400, 'takeover', 'any', ['10.0.0.0/8', 'fd00::/8', '::1/128']],
    )
  })

  for (const [settings, expected] of [
    ['sni: any', /^f:1 routes\[0\]\.allow is missing/],
    [
      'allow: []',
      /allow is \[\]: may be a list of hosts and ports, such as \[CONNECT api\.example\.org:443\]/,
    ],
    ['allow: CONNECT', /allow is "CONNECT": may be a list/],
    ['allow: [GET /metrics]', /allow\[0\] is "GET \/metrics": may be CONNECT, a host and a port/],
    ['allow: ["CONNECT api.example.org"]', /allow\[0\] is "CONNECT api\.example\.org": may be CONNECT/],
    ['allow: ["CONNECT API.example.org:443"]', /the host is in lower case/],
    ['allow: ["CONNECT 127.1:443"]', /may be CONNECT/],
    ['allow: [1]', /allow\[0\] is 1: may be CONNECT/],
    [`${ALLOW}, upstream: "unix:/u"`, /upstream is not a setting here; the known settings are name, listen/],
    [`${ALLOW}, sni: off`, /sni is "off": may be required or any/],
    [`${ALLOW}, sni: true`, /sni is true: may be required or any/],
    [`${ALLOW}, allowAddresses: 10.0.0.0/8`, /allowAddresses is .*may be a list of blocks/],
    [
      `${ALLOW}, allowAddresses: [10.0.0.1]`,
      /allowAddresses\[0\] is "10\.0\.0\.1": may be a block of addresses/,
    ],
    [`${ALLOW}, allowAddresses: [10.1.0.0/8]`, /without bits after its prefix/],
    [`${ALLOW}, allowAddresses: [127.0.0.0/8]`, /opens nothing, .*127\.0\.0\.1\/32/],
    [`${ALLOW}, allowAddresses: [localhost]`, /may be a block of addresses/],
    [`${ALLOW}, allowAddresses: [7]`, /may be a block of addresses/],
    [`${ALLOW}, timeouts: {hello: 5}`, /timeouts\.hello is 5: may be a duration/],
    [`${ALLOW}, timeouts: {body: 5s}`, /timeouts\.body is not a setting here/],
    [`${ALLOW}, limits: {tunnels: 0}`, /limits\.tunnels is 0: may be a whole number from 1/],
  ] as const)
    it(`is refused with ${settings}`, () => assert.match(mistakesOf(settings), expected))

  it('is shown in the README with valid examples', () => {
    const [, section = ''] = README.split('\n## The way out: kind: connect\n')
    const [out = '', proxy = ''] = section.match(/(?<=```yaml\n).*?(?=```)/gs) ?? []
    assert.equal(parseFile(out, 'README.md').routes[0]?.kind, 'connect')
    assert.equal(parseFile(proxy, 'README.md').routes[0]?.kind, 'stream')
  })
})
