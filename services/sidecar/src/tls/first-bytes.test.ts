import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import {
  makePair,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { clientHello } from '../testing/client-hello.ts'
import { Conversation } from '../testing/conversation.ts'
import { Random } from '../testing/fuzz/random.ts'
import { GET, type HttpStack, httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

const SEED = 20_261_128
const MUTATIONS = 300
const [A, Z, LOWER] = [97, 122, 32]
/** Of `handshakeFailures`, for bytes that are no TLS that the listener speaks. */
const NO_TLS = ['protocol', 'version', 'cipher', 'closed'] as const

let pair: TestPair
let hello: Buffer
before(async () => {
  pair = await makePair()
  hello = await clientHello()
})

function failures({ sidecar }: HttpStack) {
  return sidecar.routes[0]?.tls?.counters.handshakeFailures ?? new Map<string, number>()
}

function failed(stack: HttpStack): number {
  return [...failures(stack).values()].reduce((sum, count) => sum + count, 0)
}

/** The next client is served, no connection has kept its place, and the upstream has seen this client alone. */
async function goesOn(stack: HttpStack): Promise<void> {
  using client = tlsConversation(portOf(stack.sidecar), pair)
  await client.send(GET).hears('ok')
  await eventually('the places to be given back', () => stack.sidecar.routes[0]?.limits.taken === 1)
  assert.equal(stack.connections.length, 1)
}

/** Sends the bytes, ends, and waits for the other end. */
async function sendAlone(stack: HttpStack, bytes: Buffer): Promise<Conversation> {
  using client = new Conversation(portOf(stack.sidecar)).send(bytes)
  client.socket.end()
  await client.toItsEnd()
  return client
}

/** A record with this header, around a handshake message. */
function record(type: number, version: number, length: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(type)
  head.writeUInt16BE(version, 1)
  head.writeUInt16BE(length, 3)
  return Buffer.concat([head, body])
}

describe('a listener with TLS', () => {
  it('tells a letter, a handshake record and everything else apart by the first byte', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    for (let first = 0; first < 256; first++) {
      const { received, ending } = await sendAlone(stack, Buffer.from([first, 1, 2, 3, 4, 5, 6, 7]))
      const isLetter = (first | LOWER) >= A && (first | LOWER) <= Z
      assert.equal(received.startsWith('HTTP/1.1 400 '), isLetter, `first byte ${first}`)
      if (!isLetter && first !== 22) assert.deepEqual([received, ending], ['', 'ECONNRESET'], `${first}`)
    }
    await eventually('all to be counted', () => failed(stack) === 256)
    assert.equal(failures(stack).get('plain_http'), 52)
    assert.equal(failures(stack).get('not_tls'), 203)
    await goesOn(stack)
  })

  for (const [what, text] of Object.entries({
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a PROXY header': 'PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n',
    'a method in lower case': 'get /a HTTP/1.1\r\nhost: a\r\n\r\n',
    'a method of its own': 'm-search /a HTTP/1.1\r\n\r\n',
  }))
    it(`responds with 400 tls_required to ${what}`, async () => {
      await using secret = await secretDirectory(pair)
      await using stack = await httpStack(responding(OK), tlsText(secret))
      const client = await sendAlone(stack, Buffer.from(text))
      assert.match(client.received, /^HTTP\/1\.1 400 .*"code":"tls_required"/s)
      await goesOn(stack)
    })

  it('refuses a hello of SSL 2 and a PROXY header of version 2', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    for (const hex of [
      '802e0100020015000000100100800200800300800400800500',
      '0d0a0d0a000d0a515549540a21110000',
    ]) {
      const { received, ending } = await sendAlone(stack, Buffer.from(hex, 'hex'))
      assert.deepEqual([received, ending], ['', 'ECONNRESET'])
    }
    assert.equal(failures(stack).get('not_tls'), 2)
    await goesOn(stack)
  })

  it('refuses records with a wrong length, type or version at once, without waiting for their end', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret, 'handshakeTimeout: 1m'))
    const body = hello.subarray(5)
    const huge = Buffer.concat([Buffer.from([1, 255, 255, 255]), body.subarray(4)])
    const wrong = {
      'longer than TLS allows': record(22, 0x0301, 0xffff, body),
      'no bytes': record(22, 0x0301, 0, body),
      'a hello of 16 MiB': record(22, 0x0301, huge.length, huge),
      'SSL 2 in a record': record(22, 0x0200, body.length, body),
      'TLS 9': record(22, 0x0909, body.length, body),
      'data right after the hello': Buffer.concat([hello, record(23, 0x0303, 64, Buffer.alloc(64, 7))]),
      'an alert after a hello': Buffer.concat([hello, record(21, 0x0303, 2, Buffer.from([2, 40]))]),
      'a second hello': Buffer.concat([hello, hello]),
    }
    let sent = 0
    for (const [what, bytes] of Object.entries(wrong)) {
      sent += 1
      using client = new Conversation(portOf(stack.sidecar)).send(bytes) // it does not end
      await client.toItsEnd().catch((cause) => assert.fail(`${what}: ${cause}`))
      await eventually(`${what} to be counted`, () => failed(stack) === sent)
    }
    await goesOn(stack)
  })

  it('takes a hello that comes in pieces of one byte, and one that is cut anywhere ends with its client', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const random = new Random(SEED)
    const cuts = [
      1,
      4,
      5,
      6,
      9,
      ...Array.from({ length: 20 }, () => random.below(hello.length)),
      hello.length,
    ]
    for (const cut of cuts.filter((bytes) => bytes > 0)) await sendAlone(stack, hello.subarray(0, cut))
    await eventually('all to be counted', () => failed(stack) === cuts.filter((bytes) => bytes > 0).length)
    assert.equal(failures(stack).get('closed'), failed(stack))
    const whole = stack.open()
    for (const byte of hello) whole.send(Buffer.from([byte]))
    await eventually('a ServerHello', () => whole.received.startsWith('\x16\x03\x03'))
    whole[Symbol.dispose]()
    await goesOn(stack)
  })
})

describe(`${MUTATIONS} mutations of a hello (seed ${SEED})`, () => {
  it('all end, and the sidecar goes on', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const random = new Random(SEED)
    for (let i = 0; i < MUTATIONS; i++) {
      let bytes = Buffer.from(hello)
      for (let n = 1 + random.below(4); n > 0; n--)
        bytes[1 + random.below(bytes.length - 1)] = random.below(256)
      if (random.chance(3)) bytes = bytes.subarray(0, 1 + random.below(bytes.length))
      if (random.chance(5)) bytes = Buffer.concat([bytes, bytes.subarray(random.below(bytes.length))])
      await sendAlone(stack, bytes)
    }
    await eventually('all to be counted', () => failed(stack) === MUTATIONS)
    const known = NO_TLS.reduce((sum, reason) => sum + (failures(stack).get(reason) ?? 0), 0)
    assert.ok(known > MUTATIONS / 2, `only ${known} with a usual reason`)
    await goesOn(stack)
  })
})
