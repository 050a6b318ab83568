import type { Socket } from 'node:net'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Exchanger } from './exchanger.ts'

/** Sends a payload and counts bytes until its echo is there. */
export class EchoConnection implements Exchanger {
  readonly #socket: Socket
  readonly #endpoint: Endpoint
  readonly #payload: Buffer
  readonly #answerBytes: number
  #missingBytes = 0
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(socket: Socket, endpoint: Endpoint, payload: Buffer, answerBytes: number) {
    this.#socket = socket.setNoDelay()
    this.#endpoint = endpoint
    this.#payload = payload
    this.#answerBytes = answerBytes
    socket.on('data', (chunk) => this.#received(chunk.length))
    socket.on('error', (cause) => this.#failed(cause))
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#failed())
  }

  exchange(): Promise<void> {
    this.#missingBytes = this.#answerBytes
    this.#waiting = Promise.withResolvers()
    const { promise } = this.#waiting
    if (this.#socket.destroyed) this.#failed()
    else this.#socket.write(this.#payload)
    return promise
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #received(bytes: number): void {
    this.#missingBytes -= bytes
    if (this.#missingBytes > 0) return
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  #failed(cause?: unknown): void {
    const message = `${formatEndpoint(this.#endpoint)} ended the connection with ${this.#missingBytes} bytes to come`
    this.#waiting?.reject(
      new Failure('upstream_reset', { message, hint: 'look at the log of the server', cause }),
    )
    this.#waiting = undefined
  }
}

/** @throws Failure as `dial` does */
export async function openEcho(
  endpoint: Endpoint,
  sizeBytes: number,
  overheadBytes: number,
): Promise<Exchanger> {
  const payload = Buffer.alloc(sizeBytes, 'x')
  payload[sizeBytes - 1] = '\n'.charCodeAt(0)
  return new EchoConnection(
    await dial(endpoint, { timeoutMs: 5_000 }),
    endpoint,
    payload,
    sizeBytes + overheadBytes,
  )
}
