import { connect, type Socket } from 'node:net'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { reset } from '../relay/port.ts'

/** A client that sends exactly the bytes of a test, and keeps what it receives. */
export class Conversation implements Disposable {
  readonly socket: Socket
  /** Everything received so far, in latin1. A test may set it to '' before its next request. */
  received = ''
  /** How the connection ended: `end`, `close`, or an error code such as `ECONNRESET`; null while it is open. */
  ending: string | null = null

  /** @param to a port of 127.0.0.1, the path of a Unix socket, or a socket, such as one of `node:tls` */
  constructor(to: number | string | Socket) {
    this.socket = socketTo(to)
      .setEncoding('latin1')
      .on('data', (text) => {
        this.received += text
      })
      .once('end', () => this.#endedBy('end'))
      .once('close', () => this.#endedBy('close'))
      .on('error', (error: NodeJS.ErrnoException) => this.#endedBy(error.code ?? 'error'))
  }

  /** Sends bytes, or text in latin1. */
  send(text: string | Buffer): this {
    if (typeof text === 'string') this.socket.write(text, 'latin1')
    else this.socket.write(text)
    return this
  }

  /** Resolves once `text` was received. */
  async hears(text: string): Promise<this> {
    await this.#awaits(`to hear ${JSON.stringify(text)}`, () => this.received.includes(text))
    return this
  }

  /** Resolves to everything received, once the other side has closed or reset the connection. */
  async toItsEnd(): Promise<string> {
    await this.#awaits('the end', () => this.ending !== null)
    return this.received
  }

  async #awaits(what: string, condition: () => boolean): Promise<void> {
    try {
      await eventually(what, condition)
    } catch (cause) {
      throw new Error(`received only ${this.#state()}`, { cause })
    }
  }

  #state(): string {
    return `${JSON.stringify(this.received.slice(0, 2_000))}, ended by ${this.ending}`
  }

  #endedBy(ending: string): void {
    this.ending ??= ending
  }

  [Symbol.dispose](): void {
    reset(this.socket)
  }
}

/**
 * Resolves to all bytes that `socket` receives until the other side ends or the connection breaks. The socket stays open
 * for writing; after `for await` it would not.
 */
export function readAll(socket: Socket): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  const done = () => resolve(Buffer.concat(chunks))
  socket
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .once('end', done)
    .once('close', done)
  return promise
}

/** Lets the event loop poll for I/O at least once: bytes sent before and after it then arrive in separate reads. */
export async function aTurn(): Promise<void> {
  await new Promise(setImmediate)
  await new Promise(setImmediate)
}

function socketTo(to: number | string | Socket): Socket {
  if (typeof to === 'number') return connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
  return typeof to === 'string' ? connect({ path: to, allowHalfOpen: true }) : to
}
