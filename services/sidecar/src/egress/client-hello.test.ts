import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { before, describe, it } from 'node:test'
import { createServer } from 'node:tls'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import fc from 'fast-check'
import {
  extension,
  type HelloParts,
  helloMessage,
  inRecords,
  messageOf,
  realHellos,
  serverNames,
  vector,
} from '../testing/client-hellos.ts'
import { ClientHelloReader, type HelloResult, MAX_HELLO_BYTES, sniRefusal } from './client-hello.ts'

const NAME = 'api.example.org'
const MORE = { kind: 'more' }
const WHOLE = { kind: 'hello', serverName: NAME }

/** The first result that is not `more`; else `more`. */
function resultOf(...parts: readonly Uint8Array[]): HelloResult {
  const reader = new ClientHelloReader()
  for (const part of parts) {
    const result = reader.take(part)
    if (result.kind !== 'more') return result
  }
  return { kind: 'more' }
}

function resultFor(parts: HelloParts): HelloResult {
  return resultOf(inRecords(helloMessage(parts)))
}

let hellos: ReadonlyMap<string, Buffer> = new Map()
before(async () => {
  hellos = await realHellos(NAME)
})

describe('the ClientHello of a real client', () => {
  it('has the name that it asks for, in however many segments it comes', () => {
    assert.ok(hellos.size >= 2)
    for (const [client, flight] of hellos) {
      assert.deepEqual(resultOf(flight), WHOLE, client)
      for (let at = 0; at < flight.length; at++) {
        const reader = new ClientHelloReader()
        assert.deepEqual(reader.take(flight.subarray(0, at)), MORE, `${client}, ${at}`)
        assert.deepEqual(reader.take(flight.subarray(at)), WHOLE, `${client}, ${at}`)
      }
      assert.deepEqual(resultOf(...Array.from(flight, (byte) => Uint8Array.of(byte))), WHOLE, client)
    }
  })

  it('has it in however many records it comes', () => {
    for (const [client, flight] of hellos) {
      const message = messageOf(flight)
      for (let at = 1; at < message.length; at++)
        assert.deepEqual(resultOf(inRecords(message, [at])), WHOLE, `${client}, ${at}`)
      const every = (step: number) =>
        Array.from({ length: Math.ceil(message.length / step) - 1 }, (_, i) => (i + 1) * step)
      assert.deepEqual(resultOf(inRecords(message, every(1))), WHOLE, client)
      assert.deepEqual(resultOf(inRecords(message, every(7))), WHOLE, client)
    }
  })

  it('has it whatever comes after', () => {
    for (const [client, flight] of hellos)
      assert.deepEqual(resultOf(Buffer.concat([flight, Buffer.from('early data')])), WHOLE, client)
  })

  it('that is cut, or has one wrong byte, never asks for a name that its server does not see', async () => {
    await using server = await sniServer()
    for (const [client, flight] of hellos) {
      assert.equal(await server.nameIn(flight), NAME)
      for (let at = 0; at < flight.length; at += 1) {
        const changed = Buffer.from(flight)
        changed[at] = (changed[at] ?? 0) ^ (at % 2 === 0 ? 0x01 : 0x80)
        const ours = resultOf(changed)
        if (ours.kind !== 'hello' || ours.serverName === NAME) continue
        const theirs = await server.nameIn(changed)
        if (theirs !== undefined) assert.equal(ours.serverName, theirs.toLowerCase(), `${client}, byte ${at}`)
      }
    }
  })
})

describe('a ClientHello', () => {
  for (const [what, parts] of [
    ['of an old client', { version: [3, 1] }],
    ['without a session', { sessionId: Buffer.alloc(0) }],
    [
      'with other extensions on both sides',
      { extensions: [extension(43, Buffer.of(2, 3, 4)), serverNames(NAME), extension(21, Buffer.alloc(9))] },
    ],
    ['with the name in upper case', { extensions: [serverNames('API.Example.ORG')] }],
  ] as const satisfies readonly (readonly [string, HelloParts])[])
    it(`${what} has its name`, () => assert.deepEqual(resultFor(parts), WHOLE))

  for (const [what, parts] of [
    ['without extensions', { extensions: null }],
    ['with an empty list of extensions', { extensions: [] }],
    ['with other extensions alone', { extensions: [extension(43, Buffer.of(2, 3, 4))] }],
  ] as const satisfies readonly (readonly [string, HelloParts])[])
    it(`${what} has no name`, () => assert.deepEqual(resultFor(parts), { kind: 'hello', serverName: null }))

  for (const type of [0xfe0d, 0xffce])
    it(`with the extension ${type.toString(16)} hides its name`, () => {
      const expected = { kind: 'fault', fault: 'encrypted_client_hello' }
      assert.deepEqual(
        resultFor({ extensions: [serverNames(NAME), extension(type, Buffer.of(0))] }),
        expected,
      )
      assert.deepEqual(
        resultFor({ extensions: [extension(type, Buffer.alloc(0)), serverNames(NAME)] }),
        expected,
      )
    })

  const name = Buffer.concat([Buffer.of(0), vector(2, Buffer.from(NAME))])
  for (const [what, parts] of [
    ['with two names', { extensions: [serverNames(NAME, NAME)] }],
    ['with two lists of names', { extensions: [serverNames(NAME), serverNames(NAME)] }],
    [
      'with the same extension twice',
      { extensions: [serverNames(NAME), extension(9, Buffer.of(1)), extension(9, Buffer.of(1))] },
    ],
    ['with an empty name', { extensions: [serverNames('')] }],
    ['with an empty list of names', { extensions: [serverNames()] }],
    ['with a name list without a length', { extensions: [extension(0, Buffer.alloc(0))] }],
    [
      'with a name of another type',
      { extensions: [extension(0, vector(2, Buffer.concat([Buffer.of(1), vector(2, Buffer.from(NAME))])))] },
    ],
    [
      'with bytes after the list of names',
      { extensions: [extension(0, Buffer.concat([vector(2, name), Buffer.of(0)]))] },
    ],
    [
      'with bytes after the name',
      { extensions: [extension(0, vector(2, Buffer.concat([name, Buffer.of(0)])))] },
    ],
    [
      'with a list of names that is too long for its extension',
      { extensions: [extension(0, vector(2, name, name.length + 1))] },
    ],
    [
      'with a name that is too long for its list',
      {
        extensions: [
          extension(0, vector(2, Buffer.concat([Buffer.of(0), vector(2, Buffer.from(NAME), 99)]))),
        ],
      },
    ],
    [
      'with an extension that is too long',
      { extensions: [extension(0, Buffer.concat([vector(2, name)]), 999)] },
    ],
    ['with half an extension', { extensions: [serverNames(NAME), Buffer.of(0, 43, 0)] }],
    ['with bytes after its extensions', { after: Buffer.of(0) }],
    ['of version 2', { version: [2, 0] }],
    ['with a session id of 33 bytes', { sessionId: Buffer.alloc(33) }],
    ['without a cipher suite', { suites: Buffer.alloc(0) }],
    ['with half a cipher suite', { suites: Buffer.alloc(3) }],
    ['without a compression', { compressions: Buffer.alloc(0) }],
  ] as const satisfies readonly (readonly [string, HelloParts])[])
    it(`${what} is malformed`, () =>
      assert.deepEqual(resultFor(parts), { kind: 'fault', fault: 'hello_malformed' }))

  it('whose message ends early, or is followed by more in its record, is malformed', () => {
    const malformed = { kind: 'fault', fault: 'hello_malformed' }
    const message = helloMessage()
    for (const cut of [1, 10, 40, message.length - 5]) {
      const short = Buffer.from(message.subarray(0, message.length - cut))
      short.writeUIntBE(short.length - 4, 1, 3)
      assert.deepEqual(resultOf(inRecords(short)), malformed, `${cut} bytes less`)
    }
    assert.deepEqual(resultOf(inRecords(Buffer.concat([message, Buffer.of(0)]))), malformed)
    const twoMessages = Buffer.concat([message, helloMessage({ extensions: [serverNames('evil.example')] })])
    assert.deepEqual(resultOf(inRecords(twoMessages)), malformed)
    const record = inRecords(Buffer.concat([message, Buffer.of(0)]))
    assert.deepEqual(
      resultOf(record.subarray(0, -1)),
      malformed,
      'before the last byte of the record has come',
    )
  })

  it('that is larger than 16 KiB is refused before it is whole', () => {
    const tooLarge = { kind: 'fault', fault: 'hello_too_large' }
    const padded = (bytes: number) =>
      helloMessage({ extensions: [serverNames(NAME), extension(21, Buffer.alloc(bytes))] })
    const largest = padded(MAX_HELLO_BYTES - padded(0).length - 5)
    assert.deepEqual(resultOf(inRecords(largest)), WHOLE)
    const large = padded(20_000)
    const flight = inRecords(large, [16_000])
    assert.deepEqual(resultOf(flight.subarray(0, 9)), tooLarge)
    assert.deepEqual(resultOf(inRecords(large, [2, 16_000])), tooLarge)
    const inCrumbs = inRecords(
      padded(5_000),
      Array.from({ length: 5_000 }, (_, i) => i + 1),
    )
    assert.deepEqual(resultOf(inCrumbs), tooLarge)
    const reader = new ClientHelloReader()
    let taken = 0
    while (reader.take(inCrumbs.subarray(taken, taken + 1)).kind === 'more') taken += 1
    assert.ok(taken <= MAX_HELLO_BYTES, `${taken}`)
  })
})

describe('bytes that are not TLS', () => {
  const record = inRecords(helloMessage())
  const changed = (at: number, byte: number) =>
    Buffer.concat([record.subarray(0, at), Buffer.of(byte), record.subarray(at + 1)])
  for (const [what, bytes] of [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['SSH', Buffer.from('SSH-2.0-x\r\n')],
    ['a ClientHello of SSL 2.0', Buffer.of(0x80, 0x2e, 1, 3, 1)],
    ['an alert', changed(0, 21)],
    ['application data', changed(0, 23)],
    ['another major version', changed(1, 2)],
    ['another minor version', changed(2, 4)],
    ['another message', changed(5, 2)],
    ['an empty record', Buffer.concat([Buffer.of(22, 3, 1, 0, 0), record])],
    ['a record over 16 KiB', Buffer.of(22, 3, 1, 0x40, 0x01)],
    [
      'another record in between',
      Buffer.concat([inRecords(helloMessage().subarray(0, 9)), Buffer.of(20, 3, 3, 0, 1, 1)]),
    ],
  ] as const)
    it(`such as ${what}, are refused`, () =>
      assert.deepEqual(resultOf(bytes), { kind: 'fault', fault: 'not_tls' }))

  it('are refused at their first wrong byte', () => {
    assert.deepEqual(resultOf(Buffer.from('G')), { kind: 'fault', fault: 'not_tls' })
    assert.deepEqual(resultOf(Buffer.of(22, 2)), { kind: 'fault', fault: 'not_tls' })
  })

  it('never throw, and have a name only if they are a ClientHello', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 })
    fc.assert(fc.property(chunks, (parts) => assert.notEqual(resultOf(...parts).kind, 'hello')))
    fc.assert(
      fc.property(chunks, (parts) => void resultOf(inRecords(Buffer.concat([Buffer.of(1), ...parts])))),
    )
  })
})

describe('the refusal of a tunnel', () => {
  for (const [host, result, expected] of [
    [NAME, { kind: 'hello', serverName: NAME }, null],
    [NAME, { kind: 'hello', serverName: 'evil.example' }, 'sni_other'],
    [NAME, { kind: 'hello', serverName: `${NAME}.` }, 'sni_other'],
    [NAME, { kind: 'hello', serverName: `${NAME}\0` }, 'sni_other'],
    [NAME, { kind: 'hello', serverName: null }, 'sni_missing'],
    [NAME, { kind: 'fault', fault: 'encrypted_client_hello' }, 'encrypted_client_hello'],
    [null, { kind: 'hello', serverName: null }, null],
    [null, { kind: 'hello', serverName: 'evil.example' }, 'sni_other'],
  ] as const)
    it(`to ${host ?? 'an address'} after ${JSON.stringify(result)} is ${expected}`, () => {
      assert.equal(sniRefusal(host, result), expected)
    })
})

/** A TLS server that tells which name it reads in a ClientHello. */
async function sniServer() {
  const directory = await tempDirectory()
  let last: string | undefined
  const server = createServer({
    SNICallback: (name, callback) => {
      last = name
      callback(null)
    },
  }).on('tlsClientError', () => undefined)
  server.listen(directory.at('tls'))
  await once(server, 'listening')
  return {
    /** @returns undefined when it refuses the ClientHello, or finds no name in it */
    async nameIn(flight: Buffer): Promise<string | undefined> {
      last = undefined
      const socket = connect(directory.at('tls'))
      let isDone = false
      const done = () => {
        isDone = true
      }
      socket.on('data', done).on('error', done).on('close', done)
      socket.end(flight)
      await eventually('the server to respond', () => isDone)
      socket.destroy()
      return last
    },
    async [Symbol.asyncDispose]() {
      server.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}
