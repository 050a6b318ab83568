import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { OperationsView } from '../observe/pages.ts'
import { type ConnectionHandler, openPort, type Port } from '../relay/port.ts'
import { type InheritedSockets, OPS } from './inherited-sockets.ts'

/** How long requests in flight may continue when the operations port closes. */
const DRAIN_MS = 1_000

/** The operations port of a running sidecar. */
export class RunningOperations {
  /** The endpoint from the configuration; its port may be 0, for any free port. */
  readonly asked: Endpoint
  readonly port: Port
  readonly #handler: ConnectionHandler

  private constructor(asked: Endpoint, port: Port, handler: ConnectionHandler) {
    this.asked = asked
    this.port = port
    this.#handler = handler
  }

  /**
   * Starts on a new port, or prepares to serve on `taken`, the port of a route that ends.
   * @throws Failure when a new port cannot be opened.
   */
  static async start(
    asked: Endpoint,
    view: OperationsView,
    log: Logger,
    { taken, inherited }: { readonly taken: Port | null; readonly inherited: InheritedSockets },
  ): Promise<RunningOperations> {
    const { Operations } = await import('../observe/operations.ts')
    const handler = new Operations(view, log)
    if (taken !== null) return new RunningOperations(asked, taken, handler)
    const source = await inherited.takeFor({ name: OPS, listen: asked }, log)
    return new RunningOperations(asked, await openPort(asked, handler, log, source), handler)
  }

  /** From now on new connections on its port go here, also on one that was taken from a route. */
  serve(): void {
    this.port.handler = this.#handler
  }

  /** Waits for requests in flight, at most 1 s. */
  async drain(): Promise<void> {
    await this.#handler.drain(DRAIN_MS)
  }

  /** Stops accepting connections, and drains. */
  async close(): Promise<void> {
    await Promise.all([this.port.close(), this.drain()])
  }
}
