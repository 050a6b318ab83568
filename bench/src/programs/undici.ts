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
    new Answer(outgoing),
  )
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 })

/** Passes an answer on, with backpressure. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #outgoing: ServerResponse

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /** Undici knows by this one that it is spoken to in its present interface. */
  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: object): void {
    const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name))
    this.#outgoing.writeHead(status, Object.fromEntries(kept))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#outgoing.write(chunk)) return
    if (this.#outgoing.destroyed) controller.abort(new Error('the client has left'))
    else this.#pauseUntilDrained(controller)
  }

  #pauseUntilDrained(controller: Dispatcher.DispatchController): void {
    controller.pause()
    this.#outgoing.once('drain', () => controller.resume())
    this.#outgoing.once('close', () => controller.abort(new Error('the client has left')))
  }

  onResponseEnd(): void {
    this.#outgoing.end()
  }

  onResponseError(): void {
    this.#outgoing.destroy()
  }
}
