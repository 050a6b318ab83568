/** A state machine as data: for each state the events that change it, and the state after each. */
export type States<S extends string, E extends string> = Readonly<Record<S, Readonly<Partial<Record<E, S>>>>>

/** The state after `event`. An event that the table does not list for a state changes nothing. */
export function stateAfter<S extends string, E extends string>(
  states: States<S, E>,
  state: S,
  event: NoInfer<E>,
): S {
  return states[state][event] ?? state
}

/**
 * - `idle`: waits for the first byte of a request.
 * - `head`: has a part of a head.
 * - `busy`: a request is under way; what comes after it waits.
 * - `tunnel`: the request has switched protocols; the bytes are not HTTP any more (RFC 9110 section 7.8).
 * - `lingering`: the last response was written and our side has ended. The client's bytes are still read for a while and
 *   dropped, because closing with unread bytes resets the connection, and a reset can destroy the response on its way
 *   (RFC 9112 section 9.6).
 */
export type ClientState = 'idle' | 'head' | 'busy' | 'tunnel' | 'lingering' | 'closed'

export type ClientEvent =
  | 'part of a head'
  | 'whole head'
  /** What seemed to begin a head was an empty line, which is ignored (RFC 9112 section 2.2). */
  | 'empty lines'
  /** The head is refused; the response to it is written. */
  | 'head refused'
  /** The response was written, and the next request may follow (RFC 9112 section 9.3). */
  | 'response written, keep'
  | 'response written, close'
  | 'switched protocols'
  /** There is no further request: the client has ended its side, its time is over, or the sidecar drains. */
  | 'no further request'
  | 'socket closed'

/** A client's connection: one request after the other, in order (RFC 9112 section 9.3.2). */
export const CLIENT_STATES: States<ClientState, ClientEvent> = {
  idle: {
    'part of a head': 'head',
    'whole head': 'busy',
    'head refused': 'lingering',
    'no further request': 'lingering',
    'socket closed': 'closed',
  },
  head: {
    'whole head': 'busy',
    'empty lines': 'idle',
    'head refused': 'lingering',
    'no further request': 'lingering',
    'socket closed': 'closed',
  },
  busy: {
    'response written, keep': 'idle',
    'response written, close': 'lingering',
    'switched protocols': 'tunnel',
    'no further request': 'lingering',
    'socket closed': 'closed',
  },
  tunnel: { 'socket closed': 'closed' },
  lingering: { 'socket closed': 'closed' },
  closed: {},
}

/**
 * - `connecting`: dialled for a request, which waits.
 * - `busy`: a request was sent, or is being sent, and its response is not whole.
 * - `tunnel`: the request has switched protocols; the socket belongs to the tunnel.
 * - `idle`: kept for the next request. Bytes that come now belong to no request: the connection is closed.
 */
export type UpstreamState = 'connecting' | 'busy' | 'tunnel' | 'idle' | 'closed'

export type UpstreamEvent = 'connected' | 'request' | 'response whole, keep' | 'switched protocols' | 'closed'

/** A connection to the upstream: one request at a time, never pipelined. */
export const UPSTREAM_STATES: States<UpstreamState, UpstreamEvent> = {
  connecting: { connected: 'busy', closed: 'closed' },
  busy: { 'response whole, keep': 'idle', 'switched protocols': 'tunnel', closed: 'closed' },
  tunnel: {},
  idle: { request: 'busy', closed: 'closed' },
  closed: {},
}
