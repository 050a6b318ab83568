import type { AgentOptions, ClientRequestArgs } from 'node:http'
import type { Duplex } from 'node:stream'
import { type DialOptions, dial } from '../dial/dial.ts'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { http } from './node-http.ts'

/**
 * Lets `node:http` reach any endpoint: the host and port of a request's URL are ignored, as they are by every HTTP
 * client that is taught to dial a socket.
 */
export class EndpointAgent extends http.Agent {
  readonly #endpoint: Endpoint
  readonly #dialOptions: DialOptions

  constructor(endpoint: Endpoint, dialOptions: DialOptions = {}, agentOptions: AgentOptions = {}) {
    super(agentOptions)
    this.#endpoint = endpoint
    this.#dialOptions = dialOptions
  }

  override createConnection(
    _request: ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    dial(this.#endpoint, this.#dialOptions).then(
      (socket) => done?.(null, socket),
      (error) => done?.(error, undefined as never),
    )
    return undefined
  }
}
