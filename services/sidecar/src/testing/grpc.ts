import { once } from 'node:events'
import {
  type CallOptions,
  Client,
  type ClientOptions,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'

const SERVICE = '/test.Text/'

function method(name: string, requestStream: boolean, responseStream: boolean) {
  const serialize = (text: string) => Buffer.from(text)
  const deserialize = (bytes: Buffer) => `${bytes}`
  return {
    path: SERVICE + name,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  }
}

const METHODS = {
  say: method('Say', false, false),
  hold: method('Hold', false, false),
  count: method('Count', false, true),
  join: method('Join', true, false),
  talk: method('Talk', true, true),
}

/** A call of `hold`, as the server sees it. */
export interface HeldCall {
  readonly authority: string
  /** When the client gives it up; infinite without a deadline. */
  readonly deadlineMs: number
  readonly isCancelled: () => boolean
  release(): void
}

/** A server of `@grpc/grpc-js`, whose messages are plain text. */
export interface GrpcServer extends AsyncDisposable {
  readonly port: number
  /** Calls of `hold`, the oldest first: each waits until it is released. */
  readonly held: readonly HeldCall[]
  /** Sends GOAWAY to every client, and resolves when the last call and the last connection have ended. */
  shutDown(): Promise<void>
}

/**
 * @param address such as `unix:/run/x.sock` or `127.0.0.1:0`
 * @param pair certificate and key; without it there is no TLS
 */
export async function grpcServer(
  address: string,
  pair?: { readonly cert: string; readonly key: string },
): Promise<GrpcServer> {
  const held: HeldCall[] = []
  const server = new Server()
  server.addService(METHODS, {
    say: (call: ServerUnaryCall<string, string>, respond: sendUnaryData<string>) =>
      respond(null, call.request.toUpperCase()),
    hold: (call: ServerUnaryCall<string, string>, respond: sendUnaryData<string>) => {
      const deadline = call.getDeadline()
      held.push({
        authority: call.getHost(),
        deadlineMs: typeof deadline === 'number' ? deadline : deadline.getTime(),
        isCancelled: () => call.cancelled,
        release: () => respond(null, `held ${call.request}`),
      })
    },
    count: (call: ServerWritableStream<string, string>) => {
      for (let i = 1; i <= Number(call.request); i++) call.write(`${i}`)
      call.end()
    },
    join: async (call: ServerReadableStream<string, string>, respond: sendUnaryData<string>) => {
      const parts: string[] = []
      for await (const part of call) parts.push(part)
      respond(null, parts.join('+'))
    },
    talk: (call: ServerDuplexStream<string, string>) => {
      call.on('data', (text: string) => call.write(text.toUpperCase()))
      call.once('end', () => call.end())
      call.on('error', () => undefined) // cancelled
    },
  })
  const safe =
    pair === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) },
        ])
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync(address, safe, (error, port) => (error === null ? resolve(port) : reject(error)))
  return {
    port: await promise,
    held,
    async shutDown() {
      const done = Promise.withResolvers<void>()
      server.tryShutdown((error) => (error === undefined ? done.resolve() : done.reject(error)))
      await done.promise
    },
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
    },
  }
}

/** A client of `@grpc/grpc-js` for the methods of {@link grpcServer}. */
export class GrpcClient implements Disposable {
  readonly #client: Client

  /** @param ca as PEM: connect with TLS; without it there is none */
  constructor(address: string, ca?: string, options: ClientOptions = {}) {
    const safe = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca))
    this.#client = new Client(address, safe, {
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      ...options,
    })
  }

  /** @returns the response, or the name of the status that the call failed with */
  say(text: string, options?: CallOptions): Promise<string> {
    return this.#unary(METHODS.say, text, options).response
  }

  hold(text: string, options?: CallOptions) {
    return this.#unary(METHODS.hold, text, options)
  }

  async count(to: number): Promise<string[]> {
    const { path, requestSerialize, responseDeserialize } = METHODS.count
    const texts: string[] = []
    for await (const text of this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      `${to}`,
    ))
      texts.push(text)
    return texts
  }

  join(parts: readonly string[]): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = METHODS.join
    const { promise, resolve } = Promise.withResolvers<string>()
    const call = this.#client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error: ServiceError | null, text = '') => resolve(error === null ? text : nameOf(error)),
    )
    for (const part of parts) call.write(part)
    call.end()
    return promise
  }

  /** Sends each text once the response to the one before it has come. */
  async talk(texts: readonly string[]): Promise<string[]> {
    const { path, requestSerialize, responseDeserialize } = METHODS.talk
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    const heard: string[] = []
    for (const text of texts) {
      call.write(text)
      const [response] = await once(call, 'data')
      heard.push(response)
    }
    const ended = once(call, 'end')
    call.end()
    await ended
    return heard
  }

  #unary(
    { path, requestSerialize, responseDeserialize }: ReturnType<typeof method>,
    text: string,
    options: CallOptions = {},
  ) {
    const { promise, resolve } = Promise.withResolvers<string>()
    const call = this.#client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      text,
      options,
      (error: ServiceError | null, response = '') => resolve(error === null ? response : nameOf(error)),
    )
    return { response: promise, cancel: () => call.cancel() }
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }
}

function nameOf({ code }: ServiceError): string {
  return status[code]
}
