// A hostile app, which has only its sockets, and a hostile name server do not lead the way out to the sidecar itself, its
// gateways, metadata services or a server beside the partner: not by rebinding a name between check and dial, by addresses
// in any form, by a fronted name, nor by a redirect.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { certificatesFor } from './support/certificates.ts'
import { dialFrom } from './support/connections.ts'
import { ownStack } from './support/stack.ts'
import { refusalsFrom, tunnelFrom } from './support/tunnels.ts'

const PROXY = '/run/out/proxy.sock'
const WEB = '/run/out/web.sock'

test('the way out is not led astray', async (t) => {
  await using pki = await certificatesFor('*.example.org')
  const stack = await ownStack(t, {
    file: 'e2e/compose/way-out.yaml',
    overlays: ['hostile-names'],
    services: ['app', 'sidecar', 'partner', 'secret', 'names'],
    env: { WAY_OUT_PKI: pki.path },
  })
  const app = stack.service('app')
  const names = stack.service('names')
  const [secret, sidecar] = await Promise.all(
    ['secret', 'sidecar'].map(async (name) => {
      const { NetworkSettings } = await stack.service(name).inspect()
      const [network] = Object.values(NetworkSettings.Networks)
      assert.ok(network !== undefined)
      return network
    }),
  )
  assert.ok(secret !== undefined && sidecar !== undefined)
  await eventuallyPasses(async () => assert.match(await names.log(), /ready/))
  const questions = async (name: string) =>
    (await names.log()).split('\n').filter((line) => line === `A ${name}`).length
  // A log shows a line some time after it was written.
  const hasAsked = (name: string, times: number) =>
    eventuallyPasses(async () => assert.equal(await questions(name), times))
  const tunnel = (authority: string, name = authority.replace(/:\d+$/, '')) =>
    tunnelFrom(app, PROXY, authority, name)
  const ask = (head: string) => rawFrom(app, WEB, head)

  await t.test('what is allowed works', async () => {
    assert.equal(await tunnel('good.example.org:8443'), '200 secure')
    // Its probe may have asked for the name before the name server ran: such a failure is kept for a second.
    await eventuallyPasses(async () =>
      assert.match(
        await ask('GET /a HTTP/1.1\r\nHost: a\r\n\r\n'),
        /^HTTP\/1\.1 200 .*web\.example\.org:8443 \/a$/s,
      ),
    )
  })

  await t.test('a name is asked for once, and the address that was checked is dialled', async () => {
    assert.equal(await tunnel('rebound.example.org:8443'), '200 secure')
    await hasAsked('rebound.example.org', 1)
    await eventuallyPasses(async () => assert.equal(await tunnel('rebound.example.org:8443'), '403'))
    await hasAsked('rebound.example.org', 2)
  })

  await t.test('of several addresses only the good one is dialled', async () => {
    for (let i = 0; i < 3; i++) assert.equal(await tunnel('mixed.example.org:8443'), '200 secure')
  })

  await t.test('a route to a name that is led elsewhere later never goes there', async () => {
    const turned = () => rawFrom(app, '/run/out/turned.sock', 'GET /last HTTP/1.1\r\nHost: a\r\n\r\n')
    await eventuallyPasses(async () => assert.match(await turned(), /^HTTP\/1\.1 403 .*egress_denied/s))
  })

  for (const name of [
    ...['loopback', 'other-loopback', 'nowhere', 'own', 'gateway', 'unrouted', 'metadata', 'v6-loopback'],
    ...['mapped', 'mapped-own', 'mapped-gateway', 'translated', 'compatible', 'nat64', '6to4'],
  ])
    await t.test(`a name that leads to ${name} is not dialled`, async () => {
      const authorities = [8443, 9901].map((port) => `${name}.example.org:${port}`)
      const expected = authorities.map((authority) => `403 ${authority}`)
      assert.deepEqual(await refusalsFrom(app, PROXY, authorities), expected)
      await hasAsked(`${name}.example.org`, 1)
    })

  for (const [what, address] of [
    ['the server beside the partner', secret.IPAddress],
    ['the gateway', sidecar.Gateway],
    ['the sidecar', sidecar.IPAddress],
    ['loopback', '127.0.0.1'],
    ['metadata', '169.254.169.254'],
  ] as const)
    await t.test(`no form of the address of ${what} is`, async () => {
      const authorities = formsOf(address).flatMap((form) => [`${form}:8443`, `${form}:9901`])
      const found = await refusalsFrom(app, PROXY, authorities)
      assert.deepEqual(
        found.filter((line) => !/^40[03] /.test(line)),
        [],
      )
      assert.equal(found.length, authorities.length)
    })

  await t.test('other names of the same address are not, and nobody is asked for them', async () => {
    const others = ['secret', 'partner', 'good.example.com', 'example.org', 'a.good.example.org', 'localhost']
    const authorities = others.map((name) => `${name}:8443`)
    const expected = authorities.map((authority) => `403 ${authority}`)
    assert.deepEqual(await refusalsFrom(app, PROXY, authorities), expected)
    for (const name of others) assert.equal(await questions(name), 0, name)
  })

  await t.test('a tunnel with another name in its ClientHello is cut', async () => {
    for (const name of ['secret', 'mixed.example.org', 'GOOD.example.org.evil'])
      assert.equal(await tunnel('good.example.org:8443', name), '200 cut')
  })

  await t.test('a redirect is passed on, and not followed', async () => {
    const response = await ask('GET /redirect HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.match(response, /^HTTP\/1\.1 302 .*\r\nlocation: https:\/\/secret:8443\/\r\n/is)
  })

  await t.test('a route to one upstream goes to no other', async () => {
    for (const [head, response] of [
      [
        'GET https://secret:8443/b HTTP/1.1\r\nHost: secret:8443\r\n\r\n',
        /^HTTP\/1\.1 (400|403|200 .* web\.example\.org:8443 \/b$)/s,
      ],
      ['GET /c HTTP/1.1\r\nHost: secret:8443\r\n\r\n', /^HTTP\/1\.1 200 .*web\.example\.org:8443 \/c$/s],
      ['CONNECT secret:8443 HTTP/1.1\r\nHost: secret:8443\r\n\r\n', /^HTTP\/1\.1 (400|403|405|501) /],
      [
        'GET //secret:8443/d HTTP/1.1\r\nHost: a\r\n\r\n',
        /^HTTP\/1\.1 200 .*web\.example\.org:8443 \/\/secret:8443\/d$/s,
      ],
    ] as const)
      assert.match(await ask(head), response, head)
  })

  await t.test('the app has no other way', async () => {
    for (const address of [secret.IPAddress, sidecar.IPAddress, sidecar.Gateway])
      assert.equal(await dialFrom(app, `tcp://${address}:8443`), 'host_unreachable (ENETUNREACH)')
  })

  await t.test(
    'nobody has reached the trap or the server beside the partner, until the test does',
    async () => {
      const fetched = await stack.service('sidecar').inside(async (secret) => {
        const { get } = await import('node:https')
        const { connect } = await import('node:net')
        const { once } = await import('node:events')
        await once(connect(8443, '127.0.0.1').resume(), 'end')
        const request = get(`https://${secret}:8443/control`, { rejectUnauthorized: false })
        const [response] = await once(request, 'response')
        response.resume()
        return response.statusCode
      }, secret.IPAddress)
      assert.equal(fetched, 200)
      const reached = async (service: string) =>
        (await stack.service(service).log()).split('\n').filter((line) => /^(the trap|request)/.test(line))
      await eventuallyPasses(async () => assert.deepEqual(await reached('names'), ['the trap was reached']))
      await eventuallyPasses(async () =>
        assert.deepEqual(await reached('secret'), [`request: ${secret.IPAddress}:8443 /control`]),
      )
    },
  )
})

/** The forms in which an address of IPv4 is read by somebody: as inet_aton(3) takes it, and inside of IPv6. */
function formsOf(address: string): string[] {
  const bytes = address.split('.').map(Number)
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  const number = ((a * 256 + b) * 256 + c) * 256 + d
  const octal = bytes.map((byte) => `0${byte.toString(8)}`)
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`
  return [
    address,
    `${address}.`,
    `${number}`,
    `0x${hex}`,
    `0${number.toString(8)}`,
    octal.join('.'),
    bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
    `${a}.${number % 0x1_00_00_00}`,
    `${a}.${b}.${c * 256 + d}`,
    ...['::ffff:', '::ffff:0:', '::', '64:ff9b::', '64:ff9b:1::'].flatMap((prefix) => [
      `[${prefix}${address}]`,
      `[${prefix}${groups}]`,
    ]),
    `[2002:${groups}::1]`,
    `[::ffff:${address}%1]`,
  ]
}

/** Sends bytes over a socket from within a container. @returns the response, with the body that its length says */
function rawFrom(container: Parameters<typeof tunnelFrom>[0], path: string, head: string): Promise<string> {
  return container.inside(
    async (path, head) => {
      const { connect } = await import('node:net')
      const socket = connect(path)
      let received = ''
      socket.write(head)
      for await (const chunk of socket) {
        received += chunk
        const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(received) ?? []
        const start = received.indexOf('\r\n\r\n') + 4
        if (start >= 4 && length !== undefined && received.length >= start + Number(length)) break
        if (start >= 4 && received.endsWith('0\r\n\r\n')) break
      }
      return received
    },
    path,
    head,
  )
}
