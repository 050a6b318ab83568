import { type OnReadOpts, Socket } from 'node:net'
import { BUFFERS, LARGE_BYTES, type LargeBuffer, type Taker } from './large-buffers.ts'

const LEAST_BYTES = 4_096
const USUAL_BYTES = 16_384

/** What the connections of one route have in common: of thousands most are idle, and need no buffer of their own. */
export class SharedBuffers {
  /** All of them read into it. Its bytes are copied before the next read. */
  readonly bytes = Buffer.allocUnsafeSlow(LARGE_BYTES)

  copy(count: number): LargeBuffer {
    const copy = BUFFERS.take()
    this.bytes.copy(copy, 0, 0, count)
    return copy
  }
}

/**
 * The buffer that a socket reads into again and again; Node by itself allocates 64 KiB for each read. It grows while
 * reads fill it, and shrinks for a quiet connection: 4 KiB at first, at most 16 KiB after a read that left room.
 *
 * With shared buffers it has none of its own except during large reads.
 */
export class ReadBuffer {
  /** For the next read. */
  bytes: LargeBuffer
  readonly #shared: SharedBuffers | null
  #copy: LargeBuffer | null = null

  constructor(shared: SharedBuffers | null = null) {
    this.#shared = shared
    this.bytes = shared?.bytes ?? Buffer.allocUnsafeSlow(LEAST_BYTES)
  }

  /** The bytes of the last read, to be written at once. */
  take(count: number): Buffer {
    if (this.bytes !== this.#shared?.bytes) return this.bytes.subarray(0, count)
    this.#copy = this.#shared.copy(count)
    return this.#copy.subarray(0, count)
  }

  /**
   * Called after each read, when its bytes were written.
   * @param to where: it may still use them
   * @param goesOn the next read may come while it does: the buffer is given away
   */
  prepare(count: number, to: Taker, goesOn: boolean): void {
    if (this.#shared === null) this.#replace(this.#sizeAfter(count), to, goesOn)
    else this.#prepareShared(this.#shared, count, to, goesOn)
  }

  #prepareShared(shared: SharedBuffers, count: number, to: Taker, goesOn: boolean): void {
    const copy = this.#copy
    this.#copy = null
    if (copy === null) {
      if (count >= USUAL_BYTES) this.#replace(LARGE_BYTES, to, goesOn)
      else this.#give(shared.bytes, to)
    } else {
      BUFFERS.lend(copy, to)
      if (count === LARGE_BYTES) this.bytes = BUFFERS.take()
    }
  }

  #replace(size: number, to: Taker, goesOn: boolean): void {
    const isGivenAway = goesOn && to.writableLength > 0
    if (isGivenAway || size !== this.bytes.length) this.#give(bufferOf(size), to)
  }

  #give(next: LargeBuffer, to: Taker): void {
    if (this.bytes.length === LARGE_BYTES && this.bytes !== this.#shared?.bytes) BUFFERS.lend(this.bytes, to)
    this.bytes = next
  }

  #sizeAfter(count: number): number {
    const { length } = this.bytes
    return count === length ? Math.min(length * 4, LARGE_BYTES) : Math.min(length, USUAL_BYTES)
  }
}

function bufferOf(size: number): LargeBuffer {
  return size === LARGE_BYTES ? BUFFERS.take() : Buffer.allocUnsafeSlow(size)
}

/** Names of the properties in which Node keeps `onread`. */
const PROPERTIES: ReadonlySet<string | undefined> = new Set(['kBuffer', 'kBufferCb', 'kBufferGen'])

/**
 * Makes an accepted socket read as `onread` of `net.connect` says, which Node offers for dialled sockets alone. Bytes that
 * it has read already still come as `data`, and so do all where Node has changed, or where TLS is between.
 */
export function readInto(socket: Socket, onread: OnReadOpts): void {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || 'encrypted' in socket) return
  const useUserBuffer: unknown = Reflect.get(handle, 'useUserBuffer')
  const model = new Socket({ onread })
  const symbols = Object.getOwnPropertySymbols(model).filter(({ description }) => PROPERTIES.has(description))
  if (typeof useUserBuffer !== 'function' || symbols.length !== PROPERTIES.size) return
  for (const symbol of symbols) Reflect.set(socket, symbol, Reflect.get(model, symbol))
  useUserBuffer.call(handle, typeof onread.buffer === 'function' ? onread.buffer() : onread.buffer)
}

/**
 * Makes an accepted socket give each read as bytes of their own, as `data` events do, without the 64 KiB that Node allocates
 * for each. Where {@link readInto} does nothing, `data` goes on.
 */
export function readCopies(socket: Socket, { bytes }: SharedBuffers, onBytes: (chunk: Buffer) => void): void {
  const callback = (count: number) => {
    onBytes(Buffer.from(bytes.subarray(0, count)))
    return true // `pause` stops the reading
  }
  readInto(socket, { buffer: bytes, callback })
}
