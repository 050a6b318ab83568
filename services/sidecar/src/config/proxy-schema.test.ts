import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configOf } from './config.ts'
import { parseFile } from './parse-file.ts'

function routeText(settings: string, listen = 'tcp://0.0.0.0:8080', kind = 'http'): string {
  const more = kind === 'connect' ? 'allow: ["CONNECT a.example:443"]' : 'upstream: "unix:/u"'
  return `routes: [{name: a, kind: ${kind}, listen: "${listen}", ${more}, ${settings}}]`
}

const refused = (text: string, message: RegExp) =>
  assert.throws(() => parseFile(text, 'f'), { code: 'bad_config', exitCode: 78, message })

describe('the settings of a listener behind proxies', () => {
  it('are absent by default', () => {
    const [route] = configOf(parseFile(routeText('hosts: [a]'), 'f')).routes
    assert.deepEqual([route?.trustedProxies, route?.proxyProtocol], [undefined, undefined])
  })

  for (const [settings, listen, kind] of [
    ['trustedProxies: [10.0.0.0/8, unix]', 'tcp://0.0.0.0:8080', 'http'],
    ['trustedProxies: [10.0.0.0/8, unix]', 'unix:/run/a.sock', 'http'],
    ['trustedProxies: [10.0.0.0/8, "uid:10005"], proxyProtocol: off', 'tcp://0.0.0.0:8443', 'http'],
    ['trustedProxies: [uid:10005], proxyProtocol: v2', 'unix:@name', 'stream'],
    ['trustedProxies: [10.0.0.7], proxyProtocol: v2', 'tcp://0.0.0.0:8080', 'connect'],
    ['trustedProxies: ["fd00::/8"], forwardedField: Forwarded', 'tcp://[::]:8080', 'http'],
    [
      'trustedProxies: [10.0.0.0/8], proxyProtocol: v2, forwardedField: x-forwarded-for',
      'tcp://0.0.0.0:80',
      'http',
    ],
    ['proxyProtocol: off', 'tcp://0.0.0.0:8080', 'stream'],
    ['timeouts: {proxyHeader: 3s}', 'tcp://0.0.0.0:8080', 'stream'],
  ] as const)
    it(`may be ${settings} on ${listen}, kind ${kind}`, () => {
      assert.equal(configOf(parseFile(routeText(settings, listen, kind), 'f')).routes.length, 1)
    })

  for (const [settings, message] of [
    [
      'trustedProxies: 10.0.0.0/8',
      /f:1 routes\[0\]\.trustedProxies is "10\.0\.0\.0\/8": may be a list of 1 to 256 proxies/,
    ],
    ['trustedProxies: []', /trustedProxies is \[\]: may be a list/],
    [
      `trustedProxies: [${Array.from({ length: 257 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)}]`,
      /may be a list of 1 to 256/,
    ],
    [
      'trustedProxies: [10.0.0.0/8, 10.1.0.0/8]',
      /trustedProxies\[1\] is "10\.1\.0\.0\/8": has bits after its prefix: write 10\.0\.0\.0\/8/,
    ],
    [
      'trustedProxies: [10.0.0.0/40]',
      /trustedProxies\[0\] is "10\.0\.0\.0\/40": has a prefix of 40 bits, and one of IPv4 has at most 32/,
    ],
    ['trustedProxies: ["::ffff:10.0.0.0/104"]', /is IPv4 in the form of IPv6: write 10\.0\.0\.0\/8/],
    ['trustedProxies: [0.0.0.0/0]', /trusts every address/],
    ['trustedProxies: [8]', /trustedProxies\[0\] is 8: may be a block of addresses/],
    ['trustedProxies: [{uid: 5}]', /trustedProxies\[0\] is \{"uid":5\}: may be a block/],
    ['trustedProxies: [10.0.0.7, 10.0.0.7/32]', /names 10\.0\.0\.7\/32 twice/],
    ['trustedProxies: [10.0.0.0/8, unix, unix]', /names unix twice/],
    [
      'trustedProxies: [unix, "uid:5"]',
      /trustedProxies has no address, and callers of a listener on TCP have no uid: add addresses/,
    ],
    ['trustedProxies: ["uid:5"]', /callers of a listener on TCP have no uid/],
    ['proxyProtocol: v1, trustedProxies: [10.0.0.0/8]', /proxyProtocol is "v1": may be off or v2; version 1/],
    ['proxyProtocol: true, trustedProxies: [10.0.0.0/8]', /proxyProtocol is true: may be off or v2/],
    [
      'proxyProtocol: v2',
      /proxyProtocol is v2, which needs trustedProxies: .*name the proxies that send the header/,
    ],
    ['forwardedField: forwarded', /forwardedField needs trustedProxies: .*name the proxies that send it/],
    [
      'forwardedField: X-Real-IP, trustedProxies: [10.0.0.0/8]',
      /forwardedField is "X-Real-IP": may be X-Forwarded-For or Forwarded/,
    ],
    [
      'forwardedField: [x-forwarded-for, forwarded], trustedProxies: [10.0.0.0/8]',
      /forwardedField is \["x-forwarded-for","forwarded"\]: may be/,
    ],
  ] as const)
    it(`may not be ${settings.slice(0, 60)}`, () => refused(routeText(settings), message))

  it('on a Unix socket must have an entry for its callers', () => {
    const text = routeText('trustedProxies: [10.0.0.0/8]', 'unix:/run/a.sock')
    refused(text, /trustedProxies has no entry that fits a caller on a Unix socket: add uid:N .* or unix/)
  })

  it('do nothing on a stream or a CONNECT without a header, and have no field there', () => {
    for (const kind of ['stream', 'connect']) {
      const listen = 'tcp://0.0.0.0:8080'
      refused(
        routeText('trustedProxies: [10.0.0.0/8]', listen, kind),
        new RegExp(`does nothing on a route of kind ${kind} without proxyProtocol: v2: add it`),
      )
      refused(routeText('trustedProxies: [10.0.0.0/8], proxyProtocol: off', listen, kind), /does nothing/)
      refused(
        routeText('forwardedField: forwarded, proxyProtocol: v2, trustedProxies: [10.0.0.0/8]', listen, kind),
        /forwardedField is not a setting here/,
      )
    }
  })

  it('are all reported together', () => {
    const settings = 'trustedProxies: [10.1.0.0/8, "uid:x"], proxyProtocol: v1, forwardedField: via'
    refused(routeText(settings), /10\.1\.0\.0\/8.*uid:x.*v1.*via/s)
  })
})
