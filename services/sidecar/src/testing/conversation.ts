import { connect, type Socket } from 'node:net'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { reset } from '../relay/port.ts'

/** A client that sends bytes as a test wants them and shows what came back. */
export class Conversation implements Disposable {
  readonly socket: Socket
  received = ''
  /** How it ended: `end`, `close`, or the error's code such as `ECONNRESET`; null while it has not. */
  ending: string | null = null

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      .setEncoding('latin1')
      .on('data', (text) => {
        this.received += text
      })
      .once('end', () => this.#endedBy('end'))
      .once('close', () => this.#endedBy('close'))
      .on('error', (error: NodeJS.ErrnoException) => this.#endedBy(error.code ?? 'error'))
  }

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

  /** Resolves to what was received, once the other side has ended or reset the connection. */
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
