import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { listen } from '../listen/listen.ts'
import type { ListenOptions } from '../listen/listen-options.ts'
import type { Listener, ListenerEvents } from '../listen/listener.ts'

/** A listener in this process whose server says `greeting` and ends the connection. */
export function greet(path: string, greeting: string, options: ListenOptions = {}): Promise<Listener> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).end(greeting))
  return listen(server, { kind: 'unix', path }, options)
}

/** A listener in this process that answers every HTTP request with `greeting`. */
export function greetHttp(path: string, greeting: string, options: ListenOptions = {}): Promise<Listener> {
  const server = createHttpServer((_request, response) => response.end(greeting))
  return listen(server, { kind: 'unix', path }, options)
}

/** What comes with the next such event. */
export async function nextEvent<E extends keyof ListenerEvents>(
  listener: Listener,
  event: E,
): Promise<ListenerEvents[E][0]> {
  const [value] = await once(listener, event)
  return value
}
