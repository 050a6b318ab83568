import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionBounds {
  /** Open at a time. One more displaces the one that has waited longest for a request. */
  readonly connections: number
  /** The same for one address; over Unix sockets there are none. */
  readonly connectionsPerAddress: number
  /** From the connection to the end of its first request head, however many bytes come in between. */
  readonly headMs: number
  /** The same for each later head, from the response before it. */
  readonly nextHeadMs: number
  /** From the head to the end of the request's body. */
  readonly bodyMs: number
}

/** One connection that is open. */
interface Place {
  readonly socket: Socket
  readonly address: string | undefined
  /** Responses that are under way. */
  readonly responses: Set<ServerResponse>
  /** Whether it has ever sent a whole request head. */
  hasAsked: boolean
  timer: NodeJS.Timeout | undefined
}

/**
 * Bounds the connections of an HTTP server so that somebody new always gets in. `node:http` looks at its deadlines for
 * heads only now and then, and its `maxConnections` turns away who comes last: connections that say nothing, or one
 * byte, keep a probe out. Here every connection has its own deadline, and who waits makes room for who comes.
 */
export function boundConnections(server: Server, bounds: ConnectionBounds): void {
  new BoundConnections(server, bounds)
}

class BoundConnections {
  readonly #bounds: ConnectionBounds
  /** Oldest first; who has answered a request is put last again. */
  readonly #places = new Map<Socket, Place>()

  constructor(server: Server, bounds: ConnectionBounds) {
    this.#bounds = bounds
    server.prependListener('connection', (socket: Socket) => this.#admit(socket))
    server.prependListener('request', (request, response) => this.#begin(request, response))
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress
    if (!this.#makeRoom(address)) {
      socket.destroy()
      return
    }
    const place: Place = { socket, address, responses: new Set(), hasAsked: false, timer: undefined }
    this.#places.set(socket, place)
    this.#allow(place, this.#bounds.headMs)
    socket.once('close', () => {
      clearTimeout(place.timer)
      this.#places.delete(socket)
    })
  }

  /** @returns whether there is a place for one more connection of `address`. */
  #makeRoom(address: string | undefined): boolean {
    const { connections, connectionsPerAddress } = this.#bounds
    if (this.#places.size < Math.min(connections, connectionsPerAddress)) return true
    const all = [...this.#places.values()]
    const ofAddress = address === undefined ? [] : all.filter((place) => place.address === address)
    if (ofAddress.length >= connectionsPerAddress) return this.#displaceOneOf(ofAddress)
    return all.length < connections || this.#displaceOneOf(all)
  }

  /** Destroys the one that is missed least; never one whose request is still being worked on. */
  #displaceOneOf(places: readonly Place[]): boolean {
    const displaced =
      places.find(({ responses, hasAsked }) => responses.size === 0 && !hasAsked) ??
      places.find(({ responses }) => responses.size === 0) ??
      places.find(({ responses }) => [...responses].every(({ writableEnded }) => writableEnded))
    if (displaced === undefined) return false
    this.#places.delete(displaced.socket) // its `close` comes later than the next connection may
    displaced.socket.destroy()
    return true
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const place = this.#places.get(request.socket)
    if (place === undefined) return
    place.hasAsked = true
    place.responses.add(response)
    this.#allow(place, this.#bounds.bodyMs, () => !request.complete)
    response.once('close', () => {
      place.responses.delete(response)
      if (place.responses.size === 0 && !place.socket.destroyed) this.#awaitNext(place)
    })
  }

  #awaitNext(place: Place): void {
    this.#places.delete(place.socket)
    this.#places.set(place.socket, place)
    this.#allow(place, this.#bounds.nextHeadMs)
  }

  #allow(place: Place, ms: number, isLate = () => true): void {
    clearTimeout(place.timer)
    place.timer = setTimeout(() => isLate() && giveUp(place), ms).unref()
  }
}

const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/** Who has begun a request is told; a response that is under way is cut. */
function giveUp({ socket, responses }: Place): void {
  if (responses.size === 0 && socket.bytesRead > 0 && socket.writable)
    socket.write(TOO_LATE, () => socket.destroy())
  else socket.destroy()
}
