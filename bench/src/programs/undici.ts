import { createServer, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

const [port, socketPath = ''] = process.argv.slice(2)
const pool = new Pool('http://localhost', { socketPath, connections: 64 })
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding']

createServer((incoming, outgoing) => {
  const { method = 'GET', url: path = '/', headers } = incoming
  const forwarded = Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)))
  forwarded['x-forwarded-for'] = incoming.socket.remoteAddress
  const body = method === 'GET' ? null : incoming
  pool.dispatch(
    { method: method as Dispatcher.HttpMethod, path, headers: forwarded, body },
    new ResponseRelay(outgoing),
  )
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 })

/** Relays a response, with backpressure. */
class ResponseRelay implements Dispatcher.DispatchHandler {
  readonly #outgoing: ServerResponse

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /** Its presence tells undici that this handler has the current interface. */
  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: object): void {
    const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name))
    this.#outgoing.writeHead(status, Object.fromEntries(kept))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#outgoing.write(chunk)) return
    if (this.#outgoing.destroyed) controller.abort(new Error('the client closed its connection'))
    else this.#pauseUntilDrained(controller)
  }

  #pauseUntilDrained(controller: Dispatcher.DispatchController): void {
    controller.pause()
    this.#outgoing.once('drain', () => controller.resume())
    this.#outgoing.once('close', () => controller.abort(new Error('the client closed its connection')))
  }

  onResponseEnd(): void {
    this.#outgoing.end()
  }

  onResponseError(): void {
    this.#outgoing.destroy()
  }
}
