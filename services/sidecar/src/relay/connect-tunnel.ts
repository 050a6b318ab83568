import type { Socket } from 'node:net'
import { ClientHelloReader, sniRefusal } from '../egress/client-hello.ts'
import { sniMismatch } from '../egress/egress-policy.ts'
import type { Target } from '../egress/host-name.ts'
import { type AccessCode, CLIENT_LEFT } from '../observe/access-log.ts'
import type { ConnectRelay } from './connect-relay.ts'
import type { ConnectionLog } from './connection-log.ts'
import { Timed } from './deadlines.ts'
import { destroyIt, reset } from './port.ts'
import { ReadBuffer } from './read-buffer.ts'
import { type DirectReading, Relay } from './stream-relay.ts'

/** While draining, a tunnel without a byte for so long counts as finished: nobody says where it ends. */
const QUIET_MS = 1_000

/** What a tunnel joins. */
export interface ConnectTunnelEnds {
  readonly client: Socket
  readonly upstream: Socket
  readonly reading: DirectReading
  readonly target: Target
}

/** The ClientHello while it is not whole. */
interface Hello {
  readonly reader: ClientHelloReader
  /** What the client has sent: no byte of it goes to the upstream before its name is known. */
  readonly flight: Buffer[]
}

/**
 * The tunnel that a CONNECT opens: reads the ClientHello of the client, unless the route has `sni: any`, and then relays
 * bytes both ways. It begins after the 200, so no response can say why it ends: the client sees its connection cut.
 */
export class ConnectTunnel extends Timed {
  readonly #ends: ConnectTunnelEnds
  readonly #shared: ConnectRelay
  readonly #log: ConnectionLog | null
  readonly #onRefused: () => void
  /** Null when no ClientHello is awaited. */
  #hello: Hello | null = null
  #relay: Relay | null = null
  readonly #onData = (bytes: Buffer): void => {
    if (this.#hello !== null) this.#receive(this.#hello, bytes)
  }

  /** @param onRefused called when the tunnel is cut because of its ClientHello, or because the upstream has closed before */
  constructor(
    ends: ConnectTunnelEnds,
    shared: ConnectRelay,
    log: ConnectionLog | null,
    onRefused: () => void,
  ) {
    super()
    this.#ends = ends
    this.#shared = shared
    this.#log = log
    this.#onRefused = onRefused
  }

  /** @param early what the client has sent after its CONNECT */
  start(early: Buffer): void {
    if (this.#shared.route.sni === 'any') this.#join([early])
    else this.#awaitHello(early)
  }

  /** The route ends: a tunnel that is quiet counts as finished. */
  wrapUp(): void {
    this.#relay?.wrapUp(QUIET_MS)
  }

  /** Ends the tunnel at once. */
  cut(): void {
    if (this.#relay !== null) this.#relay.fail('draining')
    else {
      this.#log?.end('draining')
      reset(this.#ends.client)
    }
  }

  /** Ends the tunnel because it is no longer permitted. */
  revoke(): void {
    if (this.#relay !== null) this.#relay.fail('not_permitted')
    else if (this.#hello !== null) {
      this.#shared.counters.fail('not_permitted')
      this.#log?.end('not_permitted')
      this.#ends.upstream.destroy()
      reset(this.#ends.client)
    }
  }

  /** The ClientHello is not whole in time. */
  expire(): void {
    this.#mismatch('hello_late')
  }

  /** The client has ended its side. */
  clientEnded(): void {
    if (this.#hello !== null && this.#hello.flight.length > 0) this.#mismatch('hello_cut')
    else if (this.#relay === null) this.#ends.client.destroySoon()
  }

  /** The client's connection is closed. */
  clientClosed(): void {
    const wasOpening = this.#hello !== null
    if (wasOpening) this.#log?.end(CLIENT_LEFT)
    this.#endHello()
    if (wasOpening) this.#ends.upstream.destroy()
  }

  #awaitHello(early: Buffer): void {
    const { client, upstream } = this.#ends
    const hello = { reader: new ClientHelloReader(), flight: [] }
    this.#hello = hello
    upstream.pause() // in TLS the client speaks first
    upstream.on('error', destroyIt).on('close', () => this.#upstreamClosed()) // keeps no bytes of the ClientHello in memory
    client.on('data', this.#onData)
    this.#shared.deadlines.set(this, this.#shared.route.timeoutsMs.hello)
    if (early.length > 0) this.#receive(hello, early)
  }

  #receive({ reader, flight }: Hello, bytes: Buffer): void {
    const { target } = this.#ends
    flight.push(bytes)
    const result = reader.take(bytes)
    if (result.kind === 'more') return
    const refusal = sniRefusal(target.kind === 'name' ? target.host : null, result)
    if (refusal === null) this.#join(flight)
    else this.#mismatch(refusal)
  }

  /** From now on bytes go both ways. @param flight what the client has sent so far */
  #join(flight: readonly Buffer[]): void {
    const { buffers, counters, deadlines, route, isDraining } = this.#shared
    const { client, upstream, reading } = this.#ends
    this.#endHello()
    this.#relay = new Relay({
      client,
      upstream,
      reading,
      clientBuffer: new ReadBuffer(buffers),
      deadlines,
      idleMs: route.timeoutsMs.idle,
      onClosed: (failure) => {
        counters.bytesSent += upstream.bytesWritten
        counters.bytesReceived += upstream.bytesRead
        if (failure !== null) counters.fail(failure)
        this.#endLog(failure, upstream)
      },
    })
    if (isDraining) this.#relay.wrapUp(QUIET_MS)
    for (const bytes of flight) upstream.write(bytes)
    if (upstream.writableNeedDrain && upstream.writableLength > 0) client.pause()
    upstream.resume()
  }

  #endLog(code: AccessCode | null, { bytesWritten, bytesRead }: Socket): void {
    if (this.#log === null) return
    this.#log.bytesFromClient += bytesWritten
    this.#log.bytesToClient += bytesRead
    this.#log.end(code)
  }

  #mismatch(reason: Parameters<typeof sniMismatch>[1]): void {
    const denied = sniMismatch(this.#ends.target, reason)
    this.#shared.counters.fail(denied)
    this.#log?.end(denied.code)
    this.#shared.denied(denied)
    this.#endRefused()
    this.#ends.upstream.destroy()
    reset(this.#ends.client)
  }

  /** When the upstream ends the connection before the ClientHello, no relay is there to say so. */
  #upstreamClosed(): void {
    if (this.#hello === null) return
    this.#shared.counters.fail('upstream_reset')
    this.#log?.end('upstream_reset')
    this.#endRefused()
    reset(this.#ends.client)
  }

  #endRefused(): void {
    this.#endHello()
    this.#onRefused()
  }

  /** No further byte of the client is looked at here. */
  #endHello(): void {
    this.#hello = null
    this.#shared.deadlines.clear(this)
    this.#ends.client.off('data', this.#onData)
  }
}
