import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { eventually } from '@uds-sidecar/shared/testing/waiting'

const run = promisify(execFile)

/** The parts of a ClientHello, to be made with or without faults. */
export interface HelloParts {
  readonly version?: readonly number[]
  readonly sessionId?: Buffer
  readonly suites?: Buffer
  readonly compressions?: Buffer
  /** Null: no length of extensions either. */
  readonly extensions?: readonly Buffer[] | null
  readonly after?: Buffer
}

/** A vector of TLS: its length in so many bytes, then its bytes. */
export function vector(lengthBytes: 1 | 2 | 3, bytes: Buffer, length = bytes.length): Buffer {
  const head = Buffer.alloc(lengthBytes)
  head.writeUIntBE(length, 0, lengthBytes)
  return Buffer.concat([head, bytes])
}

export function extension(type: number, data: Buffer, length = data.length): Buffer {
  return Buffer.concat([Buffer.of(type >> 8, type & 0xff), vector(2, data, length)])
}

/** The extension server_name with these names. */
export function serverNames(...names: readonly string[]): Buffer {
  const entries = names.map((name) => Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name, 'latin1'))]))
  return extension(0, vector(2, Buffer.concat(entries)))
}

/** The handshake message of a ClientHello. */
export function helloMessage({
  version = [3, 3],
  sessionId = Buffer.alloc(32, 7),
  suites = Buffer.of(0x13, 0x01),
  compressions = Buffer.of(0),
  extensions = [serverNames('api.example.org')],
  after = Buffer.alloc(0),
}: HelloParts = {}): Buffer {
  const body = Buffer.concat([
    Buffer.from(version),
    Buffer.alloc(32, 0xaa),
    vector(1, sessionId),
    vector(2, suites),
    vector(1, compressions),
    ...(extensions === null ? [] : [vector(2, Buffer.concat(extensions))]),
    after,
  ])
  return Buffer.concat([Buffer.of(1), vector(3, body)])
}

/** Puts a message into records whose contents end at these positions of it. */
export function inRecords(message: Buffer, ends: readonly number[] = []): Buffer {
  const cuts = [0, ...ends, message.length]
  const records = cuts.slice(1).map((end, i) => {
    return Buffer.concat([Buffer.of(22, 3, 1), vector(2, message.subarray(cuts[i], end))])
  })
  return Buffer.concat(records)
}

/** The handshake message inside a flight of records. */
export function messageOf(flight: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < flight.length; at += 5 + flight.readUInt16BE(at + 3))
    parts.push(flight.subarray(at + 5, at + 5 + flight.readUInt16BE(at + 3)))
  return Buffer.concat(parts)
}

/** What real clients send first to a server for this name: Node and openssl, and curl where it is installed. */
export async function realHellos(name: string): Promise<ReadonlyMap<string, Buffer>> {
  const hellos = new Map<string, Buffer>()
  hellos.set(
    'Node',
    await firstFlight(async (port) => {
      connect({ port, host: '127.0.0.1', servername: name }).on('error', () => undefined)
    }),
  )
  hellos.set(
    'openssl',
    await firstFlight(async (port) => {
      const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', name]
      await once(spawn('openssl', args, { stdio: 'ignore' }), 'close')
    }),
  )
  if (await hasCurl())
    hellos.set(
      'curl',
      await firstFlight(async (port) => {
        const args = ['--resolve', `${name}:${port}:127.0.0.1`, `https://${name}:${port}/`]
        await once(spawn('curl', args, { stdio: 'ignore' }), 'close')
      }),
    )
  return hellos
}

async function hasCurl(): Promise<boolean> {
  return await run('curl', ['--version']).then(
    () => true,
    () => false,
  )
}

async function firstFlight(dial: (port: number) => Promise<void>): Promise<Buffer> {
  let flight = Buffer.alloc(0)
  const server = createServer((socket: Socket) => {
    socket
      .on('error', () => socket.destroy())
      .on('data', (bytes: Buffer) => {
        flight = Buffer.concat([flight, bytes])
        if (isWhole(flight)) socket.destroy()
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dialled = dial((server.address() as AddressInfo).port)
  await eventually('a ClientHello', () => isWhole(flight))
  await dialled
  server.close()
  return flight
}

/** These clients send one record. */
function isWhole(flight: Buffer): boolean {
  return flight.length >= 5 && flight.length >= 5 + flight.readUInt16BE(3)
}
