import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { UpgradeRequest } from '../http1/upgrade.ts'
import type { FinishTunnel } from './exchange-log.ts'
import type { HttpRelay } from './http-relay.ts'
import type { KeptRequest } from './kept-request.ts'
import { faultOf, type LongExchange, noLongerAllowed } from './long-run.ts'
import { ReadBuffer } from './read-buffer.ts'
import { cutByDrain } from './relay-failures.ts'
import type { SwitchedClient, SwitchedUpstream } from './response-taker.ts'
import { DirectReading, Relay } from './stream-relay.ts'
import type { Tunnel } from './tunnels.ts'

/** One request that may switch to another protocol, and what it becomes when it has: two joined sockets. */
export class UpgradeRun implements Tunnel {
  /** The protocol that it may switch to. */
  readonly upgrade: UpgradeRequest
  readonly #exchange: Pick<LongExchange, 'cut'>
  readonly #request: KeptRequest
  readonly #relay: HttpRelay
  #quietMs: number | null = null
  /** Null until the protocol was switched. */
  #joined: Relay | null = null

  constructor(
    exchange: Pick<LongExchange, 'cut'>,
    upgrade: UpgradeRequest,
    request: KeptRequest,
    relay: HttpRelay,
  ) {
    this.upgrade = upgrade
    this.#exchange = exchange
    this.#request = request
    this.#relay = relay
  }

  /** From now on bytes go both ways, until both sides have ended. @param finish logs the request and its tunnel */
  join(
    { socket: client, early }: SwitchedClient,
    { handOver, rest }: SwitchedUpstream,
    finish: FinishTunnel,
  ): void {
    const { counters, deadlines, route, tunnels } = this.#relay
    const reading = new DirectReading(client)
    const upstream = handOver(reading)
    const sentBefore = upstream.bytesWritten
    const receivedBefore = upstream.bytesRead - rest.length
    if (rest.length > 0) client.write(rest)
    this.#joined = new Relay({
      client,
      upstream,
      reading,
      clientBuffer: new ReadBuffer(),
      deadlines,
      idleMs: route.timeoutsMs.tunnelIdle,
      onClosed: (code) => {
        tunnels.close(this)
        const bytesFromClient = upstream.bytesWritten - sentBefore
        const bytesToClient = upstream.bytesRead - receivedBefore
        counters.bytesSent += bytesFromClient
        counters.bytesReceived += bytesToClient
        finish({ code, bytesFromClient, bytesToClient })
        if (code !== null) counters.fail(code)
      },
    })
    if (early.length > 0) upstream.write(early)
    // Not in the read of the 101: a TLS socket that ends there drops the records that it has not decrypted yet.
    if (client.readableEnded) setImmediate(() => upstream.end())
    else client.resume()
    if (this.#quietMs !== null) this.#joined.wrapUp(this.#quietMs)
  }

  wrapUp(quietMs: number): void {
    this.#quietMs = quietMs
    this.#joined?.wrapUp(quietMs)
  }

  cut(): void {
    this.#end(cutByDrain())
  }

  judgeAnew(): void {
    const verdict = this.#request.judgeAgain()
    const failure = faultOf(verdict, 'upgrade', this.#relay)
    if (failure !== null) this.#end(failure)
    else if (verdict !== null && 'upgrade' in verdict && verdict.upgrade?.protocol !== this.upgrade.protocol)
      this.#end(noLongerAllowed('upgrade'))
  }

  #end(failure: Failure): void {
    if (this.#joined === null) this.#exchange.cut(this, failure)
    else this.#joined.fail(failure.code)
  }
}
