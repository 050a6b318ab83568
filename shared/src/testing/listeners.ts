import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { dial } from '../dial/dial.ts'
import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'
import { listen } from '../listen/listen.ts'
import type { ListenOptions } from '../listen/listen-options.ts'
import type { Listener, ListenerEvents } from '../listen/listener.ts'
import { Child, type ChildOptions } from './processes.ts'

/** A listener in this process whose server writes `greeting` to each connection and ends it. */
export function greet(path: string, greeting: string, options: ListenOptions = {}): Promise<Listener> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).end(greeting))
  return listen(server, { kind: 'unix', path }, options)
}

/** A listener in this process whose response to every HTTP request is `greeting`. */
export function greetHttp(path: string, greeting: string, options: ListenOptions = {}): Promise<Listener> {
  const server = createHttpServer((_request, response) => response.end(greeting))
  return listen(server, { kind: 'unix', path }, options)
}

/** The value of the next event of this name. */
export async function nextEvent<E extends keyof ListenerEvents>(
  listener: Listener,
  event: E,
): Promise<ListenerEvents[E][0]> {
  const [value] = await once(listener, event)
  return value
}

/** Everything that the server at `endpoint` sends until it ends the connection. */
export async function readAll(endpoint: Endpoint): Promise<string> {
  return text(await dial(endpoint))
}

/** What another process gets when it dials `endpoint`: `connected`, or the code and errno of the failure. */
export async function dialAs(options: ChildOptions, endpoint: Endpoint): Promise<unknown> {
  await using child = new Child('dial', [formatEndpoint(endpoint)], options)
  return await child.next()
}

/** The Failure with which `work` rejects; an AssertionError if it does not. */
export async function rejection(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(dispose, (error: unknown) => error)
  assert.ok(outcome instanceof Failure, `expected a Failure, got ${outcome}`)
  return outcome
}

/** Closes what came instead of the failure, so that it does not keep the test's process alive. */
async function dispose(value: unknown): Promise<string> {
  if (typeof value === 'object' && value !== null && Symbol.asyncDispose in value)
    await (value as AsyncDisposable)[Symbol.asyncDispose]()
  return 'success'
}
