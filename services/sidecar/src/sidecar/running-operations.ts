import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { OperationsView } from '../observe/pages.ts'
import { type ConnectionHandler, openPort, type Port } from '../relay/port.ts'

/** For requests that are under way when the operations port ends. */
const DRAIN_MS = 1_000

/** The operations port of a sidecar. */
export class RunningOperations {
  /** Where it was told to listen, perhaps on any port. */
  readonly asked: Endpoint
  readonly port: Port
  readonly #handler: ConnectionHandler

  private constructor(asked: Endpoint, port: Port, handler: ConnectionHandler) {
    this.asked = asked
    this.port = port
    this.#handler = handler
  }

  /**
   * On a port of its own, or on `taken`, whose new connections come here from now on.
   * @throws Failure when the address cannot be listened on.
   */
  static async start(
    asked: Endpoint,
    view: OperationsView,
    log: Logger,
    taken: Port | null,
  ): Promise<RunningOperations> {
    const { Operations } = await import('../observe/operations.ts')
    const handler = new Operations(view, log)
    if (taken === null) return new RunningOperations(asked, await openPort(asked, handler, log), handler)
    taken.handler = handler
    return new RunningOperations(asked, taken, handler)
  }

  /** Lets the requests that are under way come to their end. */
  async drain(): Promise<void> {
    await this.#handler.drain(DRAIN_MS)
  }

  /** Stops accepting, and drains. */
  async close(): Promise<void> {
    await Promise.all([this.port.close(), this.drain()])
  }
}
