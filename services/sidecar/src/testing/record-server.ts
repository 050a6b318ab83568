import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import { aTurn } from './conversation.ts'
import type { Random } from './fuzz/random.ts'

/** How a server ends a connection: with close_notify and FIN, with FIN alone, or with a reset. */
export type End = 'notify' | 'fin' | 'reset'

/** Pauses `socket` for `turns` of the event loop. */
export async function pauseFor(socket: Duplex, turns: number): Promise<void> {
  socket.pause()
  for (let turn = 0; turn < turns; turn++) await aTurn()
  socket.resume()
}

/** Pauses `socket` again and again while it receives. */
export function readSlowly(socket: Duplex, random: Random): void {
  socket.on('data', () => {
    if (!socket.isPaused() && random.chance(2)) pauseFor(socket, random.below(20))
  })
}

/** The side of a TLS server of one connection, which decides record by record what arrives at once. */
export class RecordWire {
  readonly tls: TLSSocket
  readonly #raw: Socket
  readonly #random: Random
  /** Encrypted, and not sent yet. */
  #held: Buffer[] | null = null

  constructor(raw: Socket, secureContext: ReturnType<typeof createSecureContext>, random: Random) {
    this.#raw = raw
    this.#random = random
    const below = new Duplex({
      autoDestroy: false, // unread bytes would be lost with it
      read: () => void raw.resume(),
      write: (bytes: Buffer, _encoding, done) => {
        if (this.#held !== null) this.#held.push(bytes)
        else if (raw.writable) raw.write(bytes)
        done()
      },
    })
    raw
      .on('data', (bytes) => {
        if (!below.push(bytes)) raw.pause()
      })
      .once('end', () => below.push(null))
      .once('close', () => {
        if (!raw.readableEnded) below.destroy()
      })
      .on('error', () => raw.destroy())
    this.tls = new TLSSocket(below, { isServer: true, secureContext })
    this.tls.on('error', () => raw.destroy())
  }

  /** Sends `bytes` in records of 1 to `mostBytes`, encrypted all before the first one is sent, and then `end`. */
  async send(bytes: Buffer, mostBytes: number, end: End | null = null): Promise<void> {
    if (this.tls.writableEnded || !this.#raw.writable) return
    this.#held = []
    for (let at = 0; at < bytes.length && !this.tls.destroyed; ) {
      const to = Math.min(bytes.length, at + 1 + this.#random.below(mostBytes))
      await this.#encrypt(bytes.subarray(at, to))
      at = to
    }
    if (end === 'notify' && !this.tls.destroyed) {
      this.tls.end()
      await this.#comes(this.tls, 'finish')
    }
    const encrypted = Buffer.concat(this.#held)
    this.#held = null
    await this.#sendInPieces(encrypted)
    if (end === 'reset') this.#raw.resetAndDestroy()
    else if (end !== null) this.#raw.end()
  }

  #encrypt(bytes: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.tls.write(bytes, () => resolve())
    return promise
  }

  /** Resolves once `emitter` has emitted `event`, or the connection is closed. */
  #comes(emitter: Duplex, event: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    emitter.once(event, resolve)
    if (this.#raw.destroyed) resolve()
    else this.#raw.once('close', resolve)
    return promise.finally(() => {
      emitter.off(event, resolve)
      this.#raw.off('close', resolve)
    })
  }

  async #sendInPieces(bytes: Buffer): Promise<void> {
    const most = this.#random.pick([100, 3_000, 100_000, 1_000_000])
    for (let at = 0; at < bytes.length && this.#raw.writable; ) {
      const to = Math.min(bytes.length, at + Math.ceil(bytes.length / 200) + this.#random.below(most))
      if (!this.#raw.write(bytes.subarray(at, to))) await this.#comes(this.#raw, 'drain')
      else if (this.#random.chance(2)) await aTurn()
      at = to
    }
  }
}

/** A TLS server on a port of 127.0.0.1. */
export async function recordServer(
  options: SecureContextOptions,
  random: Random,
  onConnection: (wire: RecordWire) => void,
) {
  const secureContext = createSecureContext(options)
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
    sockets.add(raw)
    onConnection(new RecordWire(raw, secureContext, random))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
