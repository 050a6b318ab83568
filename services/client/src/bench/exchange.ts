import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { HINTS } from '@uds-sidecar/shared/failure/explain'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { http } from '@uds-sidecar/shared/http/node-http'
import { EndpointAgent } from '@uds-sidecar/shared/http/request'
import { DEFAULT_SIZE_BYTES, type Settings } from './settings.ts'
import type { Ground, Target } from './target.ts'

/** One connection that sends a request and waits for the response, again and again. One request at a time. */
export interface Exchanger extends Disposable {
  /** Resolves when the whole response has arrived. Rejects with an Error when the connection fails or is disposed. */
  exchange(): Promise<void>
}

/**
 * Waits for work on these connections. When it takes too long, closes them, which makes the work fail.
 * @throws Failure `upstream_timeout` instead of the error that closing them caused
 */
export async function within<T>(
  timeoutMs: number,
  { endpoint }: Target,
  connections: readonly Disposable[],
  work: Promise<T>,
): Promise<T> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    for (const connection of connections) connection[Symbol.dispose]()
  }, timeoutMs)
  try {
    return await work
  } catch (cause) {
    if (!late) throw cause
    const message = `${formatEndpoint(endpoint)} did not respond within ${timeoutMs} ms`
    throw new Failure('upstream_timeout', { message, hint: HINTS.paused, cause })
  } finally {
    clearTimeout(timer)
  }
}

/** Sends a payload and counts received bytes until the echo is complete. */
export class EchoConnection implements Exchanger {
  readonly #socket: Socket
  readonly #endpoint: Endpoint
  readonly #payload: Buffer
  readonly #responseBytes: number
  #missingBytes = 0
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(socket: Socket, endpoint: Endpoint, payload: Buffer, responseBytes: number) {
    this.#socket = socket.setNoDelay()
    this.#endpoint = endpoint
    this.#payload = payload
    this.#responseBytes = responseBytes
    socket.on('data', (chunk) => this.#received(chunk.length))
    socket.on('error', (cause) => this.#failed(cause))
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#failed())
  }

  exchange(): Promise<void> {
    this.#missingBytes = this.#responseBytes
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
    const message = `${formatEndpoint(this.#endpoint)} closed the connection with ${this.#missingBytes} bytes missing`
    this.#waiting?.reject(
      new Failure('upstream_reset', { message, hint: 'read the log of the server', cause }),
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

/** Sends GET requests for one path over one keep-alive connection and discards the bodies. */
export class HttpConnection implements Exchanger {
  readonly #agent: Agent
  readonly #path: string

  constructor(endpoint: Endpoint, path: string) {
    this.#agent = new EndpointAgent(endpoint, {}, { keepAlive: true, maxSockets: 1 })
    this.#path = path
  }

  exchange(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    http
      .request({ agent: this.#agent, path: this.#path, host: 'localhost' }, (response) => {
        if (response.statusCode !== 200) reject(unexpected(this.#path, response.statusCode))
        response.on('end', resolve).on('error', reject).resume()
      })
      .on('error', reject)
      .end()
    return promise
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function unexpected(path: string, status: number | undefined): Failure {
  return new Failure('upstream_malformed', {
    message: `GET ${path} responded with ${status} instead of 200`,
    hint: 'check that this is the intended endpoint',
  })
}

const FIRST_RESPONSE_MS = 5_000

/**
 * Opens a connection and exchanges once, so that the returned connection is known to work.
 * @throws Failure as `dial` and `exchange` do
 */
export async function openExchanger(target: Target, settings: Settings, ground: Ground): Promise<Exchanger> {
  const { protocol, sizeBytes } = settings
  const exchanger =
    protocol === 'http'
      ? new HttpConnection(target.endpoint, ground.httpPath(sizeBytes))
      : await openEcho(target.endpoint, sizeBytes ?? DEFAULT_SIZE_BYTES, ground.echoOverheadBytes)
  await within(FIRST_RESPONSE_MS, target, [exchanger], exchanger.exchange())
  return exchanger
}
