import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { OPERATIONS_HANDSHAKES } from '../config/bounds.ts'
import type { OperationsAccess } from '../config/config.ts'
import type { Operations } from '../observe/operations.ts'
import type { OperationsView } from '../observe/pages.ts'
import { ConnectionLimits, SharedRoom } from '../relay/connection-limits.ts'
import { type ConnectionHandler, openPort, type Port } from '../relay/port.ts'
import type { Certificate } from '../tls/certificate.ts'
import { OPS } from './inherited-sockets.ts'
import type { Surroundings } from './running-route.ts'

/** How long requests in flight may continue when the operations port closes. */
const DRAIN_MS = 1_000

/** The operations port of a running sidecar. */
export class RunningOperations {
  /** The endpoint from the configuration; its port may be 0, for any free port. */
  readonly asked: Endpoint
  readonly port: Port
  /** Null without TLS. */
  readonly tls: Certificate | null
  readonly access: OperationsAccess
  readonly #inner: Operations
  readonly #handler: ConnectionHandler

  private constructor(
    asked: Endpoint,
    access: OperationsAccess,
    port: Port,
    { inner, handler, tls }: { inner: Operations; handler: ConnectionHandler; tls: Certificate | null },
  ) {
    this.access = access
    this.#inner = inner
    this.tls = tls
    this.asked = asked
    this.port = port
    this.#handler = handler
  }

  /**
   * Starts on a new port, or prepares to serve on `taken`, the port of a route that ends.
   * @param tls its certificate; null without TLS. The operations port disposes it.
   * @throws Failure when a new port cannot be opened.
   */
  static async start(
    asked: Endpoint,
    access: OperationsAccess,
    view: OperationsView,
    { log, deadlines, inherited, identities }: Omit<Surroundings, 'room'>,
    tls: Certificate | null,
    taken: Port | null,
  ): Promise<RunningOperations> {
    const { Operations } = await import('../observe/operations.ts')
    const inner = new Operations(view, { listen: asked, access, identities }, log)
    const handler = tls?.handlerFor({ inner, limits: handshakeLimits(), deadlines, isHttp: true }) ?? inner
    if (taken !== null) return new RunningOperations(asked, access, taken, { inner, handler, tls })
    const source = await inherited.takeFor({ name: OPS, listen: asked }, log)
    return new RunningOperations(asked, access, await openPort(asked, handler, log, source), {
      inner,
      handler,
      tls,
    })
  }

  /** From now on new connections on its port go here, also on one that was taken from a route. */
  serve(): void {
    this.port.handler = this.#handler
  }

  /** Another configuration takes its place: requests on its connections are refused from now on. */
  revoke(): void {
    this.#inner.revoke()
  }

  /** Waits for requests in flight, at most 1 s. */
  async drain(): Promise<void> {
    await this.#handler.drain(DRAIN_MS)
    this.tls?.[Symbol.dispose]()
  }

  /** Stops accepting connections, and drains. */
  async close(): Promise<void> {
    await Promise.all([this.port.close(), this.drain()])
  }
}

/** Handshakes have places of their own: the connections of the operations port are bounded when they are done. */
function handshakeLimits(): ConnectionLimits {
  return new ConnectionLimits({
    connections: OPERATIONS_HANDSHAKES,
    connectionsPerAddress: OPERATIONS_HANDSHAKES / 2,
    descriptors: 1,
    room: new SharedRoom(),
  })
}
