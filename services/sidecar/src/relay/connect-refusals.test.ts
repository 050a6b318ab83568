import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { extension, helloMessage, inRecords, serverNames } from '../testing/client-hellos.ts'
import { connectStack, NAME, remote } from '../testing/connect-stack.ts'
import { Conversation } from '../testing/conversation.ts'
import { HeldClock, opsPortOf } from '../testing/sidecar-with.ts'

function helloFor(...names: readonly string[]): Buffer {
  return inRecords(helloMessage({ extensions: [serverNames(...names)] }))
}

function statusIn(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
}

function problemIn(text: string): { code: string; detail: string; hint: string } {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
}

describe('a CONNECT that no rule allows is egress_denied, and nothing is looked up', () => {
  for (const [authority, reason] of [
    ['other.example.org:443', 'name_not_allowed'],
    ['api.example.org.evil.example:443', 'name_not_allowed'],
    ['evil-api.example.org:443', 'name_not_allowed'],
    ['a.b.wild.example:443', 'name_not_allowed'],
    ['wild.example:443', 'name_not_allowed'],
    ['localhost:443', 'name_not_allowed'],
    ['api.example.org:80', 'port_not_allowed'],
    ['127.0.0.1:443', 'literal_not_allowed'],
    ['[::1]:443', 'literal_not_allowed'],
    ['[::ffff:7f00:1]:443', 'literal_not_allowed'],
    ['[::ffff:5db8:d822]:443', 'literal_not_allowed'],
    ['127.1:443', 'name_invalid'],
    ['2130706433:443', 'name_invalid'],
    ['0x7f000001:443', 'name_invalid'],
    ['0177.0.0.1:443', 'name_invalid'],
    ['0x7f.1:443', 'name_invalid'],
    ['0:443', 'name_invalid'],
    ['93.184.216.034:443', 'name_invalid'],
    ['API.example.org:443', 'name_invalid'],
    ['api.example.org.:443', 'name_invalid'],
    ['api.example%2eorg:443', 'name_invalid'],
    ['api_.example.org:443', 'name_invalid'],
    ['api.example.org:0443', 'name_invalid'],
    ['*.wild.example:443', 'name_invalid'],
  ] as const)
    it(`${authority}: ${reason}`, async () => {
      await using stack = await connectStack({
        allow: [`CONNECT ${NAME}:443`, 'CONNECT *.wild.example:443', 'CONNECT 93.184.216.34:443'],
        settings: 'allowAddresses: ["0.0.0.0/0", "::/0", "127.0.0.1/32", "::1/128"]',
      })
      using client = stack.connect(authority)
      const response = await client.toItsEnd()
      assert.equal(statusIn(response), 403)
      const { code, detail, hint } = problemIn(response)
      assert.equal(code, 'egress_denied')
      assert.ok(detail.includes(authority), detail)
      assert.notEqual(hint, '')
      assert.deepEqual(stack.denied(), { [reason]: 1 })
      assert.deepEqual(stack.failed(), { egress_denied: 1 })
      assert.deepEqual(stack.asked, [])
    })
})

describe('an address that may not be dialled is egress_denied', () => {
  for (const address of [
    '127.0.0.1',
    '127.0.0.53',
    '0.0.0.0',
    '10.0.0.1',
    '172.17.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '168.63.129.16',
    '100.100.100.200',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fd00::1',
    'fe80::1',
    'fd00:ec2::254',
    '::ffff:127.0.0.1',
    '::ffff:93.184.216.34',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:0:1:2:3:4:80ff:fffe',
  ]) {
    it(`${address}, when a name leads to it`, async () => {
      await using stack = await connectStack({
        allow: [`CONNECT ${NAME}:443`],
        settings: '',
        names: { [NAME]: [address] },
      })
      using client = stack.connect(`${NAME}:443`)
      const response = await client.toItsEnd()
      assert.equal(statusIn(response), 403)
      assert.equal(problemIn(response).code, 'egress_denied')
      assert.ok(!response.includes(address), 'the client is told no address')
      assert.deepEqual(stack.denied(), { address_refused: 1 })
    })

    it(`${address}, also when a rule names it`, async () => {
      const authority = address.includes(':') ? `[${address}]:443` : `${address}:443`
      await using stack = await connectStack({ allow: [`CONNECT ${authority}`], settings: '' })
      using client = stack.connect(authority)
      assert.equal(statusIn(await client.toItsEnd()), 403)
      assert.deepEqual(stack.denied(), { address_refused: 1 })
    })
  }

  it('which are all of the sidecar itself, whatever range is allowed', async () => {
    const own = () =>
      Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
    for (const address of own()) {
      await using stack = await connectStack({
        allow: [`CONNECT ${NAME}:443`],
        settings: 'allowAddresses: ["0.0.0.0/0", "::/0"]',
        names: { [NAME]: [address] },
      })
      using client = stack.connect(`${NAME}:443`)
      const status = statusIn(await client.toItsEnd())
      if (!own().includes(address)) continue // a container has ended, and its interface is gone
      assert.equal(status, 403, address)
      assert.deepEqual(stack.denied(), { address_refused: 1 }, address)
    }
  })

  it('and so no port of the sidecar is reached', async () => {
    await using listening = await connectStack({ allow: ['CONNECT a:1'], more: 'ops: "tcp://0.0.0.0:0",' })
    const port = opsPortOf(listening.sidecar)
    const own = Object.values(networkInterfaces()).flatMap((all = []) => all)
    const addresses = own.flatMap(({ address, family }) => (family === 'IPv4' ? [address] : []))
    await using stack = await connectStack({
      allow: addresses.map((address) => `CONNECT ${address}:${port}`),
      settings: 'allowAddresses: ["0.0.0.0/0"]',
    })
    for (const address of addresses) {
      using client = stack.connect(`${address}:${port}`)
      assert.equal(statusIn(await client.toItsEnd()), 403, address)
    }
    assert.deepEqual(stack.denied(), { address_refused: addresses.length })
  })

  it('unless the name has another one: that alone is dialled', async () => {
    await using good = await remote('127.0.0.1')
    await using bad = await remote('127.0.0.2', { port: good.port })
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${good.port}`],
      names: { [NAME]: ['127.0.0.2', '10.0.0.1', '127.0.0.1', '::1'] },
    })
    using client = stack.connect(`${NAME}:${good.port}`, { early: helloFor(NAME) })
    await client.hears('200')
    await eventually('the upstream to receive', () => good.received().length > 0)
    assert.equal(bad.sockets.length, 0)
  })
})

describe('a name whose addresses change', () => {
  it('is looked up once: the address that was checked is dialled (DNS rebinding)', async () => {
    await using good = await remote('127.0.0.1')
    await using internal = await remote('127.0.0.2', { port: good.port })
    let lookups = 0
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${good.port}`],
      names: {
        [NAME]: () => {
          lookups += 1
          return [lookups === 1 ? '127.0.0.1' : '127.0.0.2']
        },
      },
    })
    using client = stack.connect(`${NAME}:${good.port}`, { early: helloFor(NAME) })
    await client.hears('200')
    await eventually('the upstream to receive', () => good.received().length > 0)
    assert.equal(lookups, 1)
    assert.equal(internal.sockets.length, 0)
  })

  it('is judged at each CONNECT, also when its addresses are still known', async () => {
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:443`],
      settings: '',
      names: { [NAME]: ['127.0.0.1'] },
    })
    for (const count of [1, 2]) {
      using client = stack.connect(`${NAME}:443`)
      assert.equal(statusIn(await client.toItsEnd()), 403)
      assert.deepEqual(stack.denied(), { address_refused: count })
    }
    assert.equal(stack.asked.length, 1)
  })
})

describe('a tunnel is cut as sni_mismatch, and its upstream gets no byte, when', () => {
  const ech = extension(0xfe0d, Buffer.alloc(40))
  for (const [what, flight, reason] of [
    ['its ClientHello asks for another name', helloFor('evil.example.org'), 'sni_other'],
    ['its ClientHello asks for no name', inRecords(helloMessage({ extensions: [] })), 'sni_missing'],
    ['its ClientHello asks for two names', helloFor(NAME, 'evil.example.org'), 'hello_malformed'],
    [
      'its ClientHello hides its name',
      inRecords(helloMessage({ extensions: [serverNames(NAME), ech] })),
      'encrypted_client_hello',
    ],
    ['it is not TLS', Buffer.from('GET / HTTP/1.1\r\nHost: evil\r\n\r\n'), 'not_tls'],
    [
      'its ClientHello is too large',
      inRecords(
        helloMessage({ extensions: [serverNames(NAME), extension(21, Buffer.alloc(20_000))] }),
        [9_000],
      ),
      'hello_too_large',
    ],
  ] as const)
    for (const when of ['after the 200', 'with the CONNECT'] as const)
      it(`${what}, sent ${when}`, async () => {
        await using upstream = await remote('127.0.0.1')
        await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
        const authority = `${NAME}:${upstream.port}`
        using client = stack.connect(authority, when === 'with the CONNECT' ? { early: flight } : {})
        if (when === 'after the 200') (await client.hears('\r\n\r\n')).send(flight)
        await client.toItsEnd()
        await eventually('the tunnel to be counted', () => stack.failed().sni_mismatch === 1)
        assert.deepEqual(stack.denied(), { [reason]: 1 })
        await eventually('the upstream to be closed', () => upstream.sockets[0]?.readableEnded ?? false)
        assert.equal(upstream.received(), '')
      })

  it('its ClientHello does not come in time', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:${upstream.port}`],
      settings: 'allowAddresses: [127.0.0.1/32], timeouts: {hello: 50ms}',
    })
    using client = stack.connect(`${NAME}:${upstream.port}`, { early: helloFor(NAME).subarray(0, -1) })
    await client.toItsEnd()
    assert.deepEqual(stack.denied(), { hello_late: 1 })
    assert.equal(upstream.received(), '')
  })

  it('the client ends in the middle of its ClientHello', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
    using client = stack.connect(`${NAME}:${upstream.port}`, { early: helloFor(NAME).subarray(0, -1) })
    await client.hears('200')
    client.socket.end()
    await client.toItsEnd()
    assert.deepEqual(stack.denied(), { hello_cut: 1 })
    assert.equal(upstream.received(), '')
  })

  it('but not when the client ends without a byte', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:${upstream.port}`] })
    using client = stack.connect(`${NAME}:${upstream.port}`)
    await client.hears('200')
    client.socket.end()
    await client.toItsEnd()
    await eventually('the upstream to be closed', () => upstream.sockets[0]?.readableEnded ?? false)
    assert.deepEqual([stack.denied(), stack.failed()], [{}, {}])
  })

  it('it leads to an address, and its ClientHello asks for a name', async () => {
    await using upstream = await remote('127.0.0.1')
    await using stack = await connectStack({ allow: [`CONNECT 127.0.0.1:${upstream.port}`] })
    using fronted = stack.connect(`127.0.0.1:${upstream.port}`, { early: helloFor('evil.example.org') })
    await fronted.toItsEnd()
    assert.deepEqual(stack.denied(), { sni_other: 1 })
    assert.equal(upstream.received(), '')
    const plain = inRecords(helloMessage({ extensions: [] }))
    using client = stack.connect(`127.0.0.1:${upstream.port}`, { early: plain })
    await client.hears('\x16\x03')
    assert.equal(upstream.received(), plain.toString('latin1'))
  })
})

describe('a request on a route of kind connect', () => {
  const refusal = async (text: string) => {
    const time = new HeldClock()
    await using stack = await connectStack({
      allow: [`CONNECT ${NAME}:443`],
      settings: 'limits: {headBytes: 1KiB, fields: 8}, timeouts: {head: 100ms}',
      clock: time.clock,
    })
    using client = new Conversation(stack.directory.at('proxy.sock')).send(text)
    await eventually('it to be sent', () => !client.socket.connecting && client.socket.writableLength === 0)
    time.go()
    const response = await client.toItsEnd()
    assert.deepEqual(stack.asked, [])
    return { response, status: statusIn(response), code: problemIn(response).code }
  }

  for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE'])
    it(`is refused when it is ${method}, with the method that is allowed`, async () => {
      const target = method === 'OPTIONS' ? '*' : `http://${NAME}/`
      const { response, status, code } = await refusal(
        `${method} ${target} HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`,
      )
      assert.deepEqual([status, code], [405, 'method_not_allowed'])
      assert.match(response, /\r\nAllow: CONNECT\r\n/)
    })

  for (const [what, text, status, code] of [
    [
      'has another Host',
      `CONNECT ${NAME}:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`,
      400,
      'bad_request',
    ],
    ['has no Host', `CONNECT ${NAME}:443 HTTP/1.1\r\n\r\n`, 400, 'bad_request'],
    ['has no port', `CONNECT ${NAME} HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`, 400, 'bad_request'],
    ['has a URL', `CONNECT https://${NAME}:443/ HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`, 400, 'bad_request'],
    [
      'has a length',
      `CONNECT ${NAME}:443 HTTP/1.1\r\nHost: ${NAME}:443\r\nContent-Length: 0\r\n\r\n`,
      400,
      'bad_request',
    ],
    [
      'has chunks',
      `CONNECT ${NAME}:443 HTTP/1.1\r\nHost: ${NAME}:443\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
      'bad_request',
    ],
    ['is TLS', '\x16\x03\x01\x02\x00', 400, 'bad_request'],
    ['is HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad_request'],
    [
      'has a large head',
      `CONNECT ${NAME}:443 HTTP/1.1\r\nHost: ${NAME}:443\r\nA: ${'a'.repeat(2_000)}`,
      431,
      'head_too_large',
    ],
    ['has a long line', `CONNECT ${'a'.repeat(2_000)}`, 414, 'uri_too_long'],
    [
      'has many fields',
      `CONNECT ${NAME}:443 HTTP/1.1\r\nHost: ${NAME}:443\r\n${'A: b\r\n'.repeat(20)}\r\n`,
      431,
      'head_too_large',
    ],
    ['is not whole in time', `CONNECT ${NAME}:443 HTTP/1.1\r\n`, 408, 'client_timeout'],
  ] as const)
    it(`is refused when it ${what}`, async () => {
      const result = await refusal(text)
      assert.deepEqual([result.status, result.code], [status, code])
    })
})
