import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionBounds {
  /** Most connections at a time. One more closes the connection that has waited longest for a request. */
  readonly connections: number
  /** The same for one address. Unix sockets have no addresses. */
  readonly connectionsPerAddress: number
  /** Milliseconds from accepting to the end of the first request head, however many bytes arrive in between. */
  readonly headMs: number
  /** Milliseconds from a response to the end of the next request head. */
  readonly nextHeadMs: number
  /** Milliseconds from the end of a head to the end of its body. */
  readonly bodyMs: number
}

/** One open connection. */
interface Place {
  readonly socket: Socket
  readonly address: string | undefined
  /** Responses in progress. */
  readonly responses: Set<ServerResponse>
  /** Whether it has ever sent a whole request head. */
  hasAsked: boolean
  timer: NodeJS.Timeout | undefined
}

/**
 * Limits the connections of an HTTP server so that idle connections cannot keep a new client out. `node:http` checks its head timeouts
 * only every 30 s, and its `maxConnections` refuses the newest client: connections that send nothing could keep a probe
 * out. Here every connection has its own deadline, and an idle connection is closed for a new one.
 */
export function boundConnections(server: Server, bounds: ConnectionBounds): void {
  new BoundConnections(server, bounds)
}

class BoundConnections {
  readonly #bounds: ConnectionBounds
  /** Oldest first; a connection moves to the end after each response. */
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

  /**
   * Destroys the connection whose loss costs least: one without a request yet, then an idle one, then one that only
   * waits for its client to read. Never one whose request is still being handled.
   */
  #displaceOneOf(places: readonly Place[]): boolean {
    const displaced =
      places.find(({ responses, hasAsked }) => responses.size === 0 && !hasAsked) ??
      places.find(({ responses }) => responses.size === 0) ??
      places.find(({ responses }) => [...responses].every(({ writableEnded }) => writableEnded))
    if (displaced === undefined) return false
    this.#places.delete(displaced.socket) // the next connection may come before `close`
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

/** Sends a 408 if a request has begun. Cuts a response in progress. */
function giveUp({ socket, responses }: Place): void {
  if (responses.size === 0 && socket.bytesRead > 0 && socket.writable)
    socket.write(TOO_LATE, () => socket.destroy())
  else socket.destroy()
}
