import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { ownAddresses } from '../egress/own-addresses.ts'
import { remote } from '../testing/connect-stack.ts'
import { localResolver, wayOutStack } from '../testing/partner.ts'
import { configFrom } from '../testing/sidecar-with.ts'

const NAME = 'partner.example.org'
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'

/** A partner on 127.0.0.1 that responds to each request. */
function partner() {
  return remote('127.0.0.1', { onConnection: (socket) => socket.on('data', () => socket.write(RESPONSE)) })
}

function stackFor(port: number, addresses: readonly string[], allowAddresses: string[], host = NAME) {
  const { resolver } = localResolver({ [NAME]: addresses })
  return wayOutStack(`upstream: "tcp://${host}:${port}"`, { resolver, allowAddresses })
}

const LOCAL = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))

describe('an upstream on TCP whose name resolves to', () => {
  const { gateways } = ownAddresses()
  for (const [what, addresses] of [
    ['loopback', ['127.0.0.1']],
    ['another address of loopback', ['127.9.9.9', '::1']],
    ['this network', ['0.0.0.0']],
    ['loopback, mapped', ['::ffff:127.0.0.1']],
    ['loopback, by NAT64', ['64:ff9b::7f00:1']],
    ['a metadata service', ['169.254.169.254']],
    ['a metadata service, mapped', ['::ffff:169.254.169.254']],
    ['a metadata service of IPv6', ['fd00:ec2::254']],
    ['the addresses of this machine', LOCAL],
    ['the gateways of this machine', gateways.length > 0 ? gateways : ['127.0.0.1']],
  ] as const)
    it(`${what}, is not dialled`, async () => {
      await using server = await partner()
      await using stack = await stackFor(server.port, addresses, [])
      const response = await stack.open().send(GET).hears('}')
      assert.match(String(response.received), /^HTTP\/1\.1 403 /)
      assert.match(String(response.received), /"code":"egress_denied"/)
      assert.doesNotMatch(String(response.received), /127\.|169\.254/)
      assert.equal(server.sockets.length, 0)
      assert.equal(stack.sidecar.routes[0]?.upstream?.state.lastFailure?.code, 'egress_denied')
    })

  it('such an address and a good one, is dialled at the good one alone', async () => {
    await using server = await partner()
    await using stack = await stackFor(server.port, ['169.254.169.254', '::1', '127.0.0.1'], ['127.0.0.1/32'])
    await stack.open().send(GET).hears('ok')
    assert.equal(server.sockets.length > 0, true)
  })

  it('such an address, is dialled where allowAddresses names that one, and not by a block around it', async () => {
    await using server = await partner()
    await using open = await stackFor(server.port, ['127.0.0.1'], ['127.0.0.1/32'])
    await open.open().send(GET).hears('ok')
    await using metadata = await stackFor(server.port, ['169.254.169.254'], ['169.254.0.0/16'])
    await metadata.open().send(GET).hears('egress_denied')
  })
})

describe('an upstream on TCP that is gone from its address', () => {
  for (const kind of ['http', 'stream'])
    it(`is looked up again at once by a route of kind ${kind}`, async () => {
      await using server = await partner()
      const names = { [NAME]: ['127.83.16.2'] }
      const { resolver } = localResolver(names, { keepFailureMs: 0 })
      const allow = kind === 'http' ? '' : ', kind: stream'
      await using stack = await wayOutStack(`upstream: "tcp://${NAME}:${server.port}"${allow}`, {
        resolver,
        allowAddresses: ['127.0.0.1/32', '127.83.16.2/32'],
      })
      stack.open().send(GET)
      await eventually('it to fail', () => stack.failures('connection_refused') === 1)
      names[NAME] = ['127.0.0.1']
      await stack.open().send(GET).hears('ok')
    })
})

describe('an upstream on TCP that the operator names by', () => {
  for (const host of ['127.0.0.1', 'localhost'])
    it(`${host}, is dialled: nobody else decides what that is`, async () => {
      await using server = await partner()
      await using stack = await stackFor(server.port, [], [], host)
      await stack.open().send(GET).hears('ok')
    })
})

describe('allowAddresses of a route', () => {
  const route = (upstream: string, allow: string) =>
    configFrom(
      `routes: [{name: a, kind: http, listen: "unix:/a.sock", upstream: "${upstream}", allow: [GET /a], allowAddresses: ${allow}}]`,
    )

  it('is only for an upstream on TCP', () => {
    assert.throws(() => route('unix:/u', '[127.0.0.1/32]'), /allowAddresses is only for an upstream on tcp:/)
  })

  it('is a mistake when it opens nothing', () => {
    assert.throws(() => route('tcp://a.example:1', '[127.0.0.0/8]'), /opens nothing/)
    assert.throws(() => route('tcp://a.example:1', '[127.0.0.1]'), /may be a block of addresses/)
  })
})
