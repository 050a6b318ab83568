import type { OnReadOpts, Socket } from 'node:net'
import { ReadBuffer } from './read-buffer.ts'

/** What an upstream says goes to its client as soon as it is read (`onread` of `net.connect`). */
export class UpstreamReading implements OnReadOpts {
  readonly #client: Socket
  readonly #into = new ReadBuffer()
  /** Called after bytes have gone that way. */
  onPassed: () => void = () => undefined

  constructor(client: Socket) {
    this.#client = client
  }

  readonly buffer = (): Buffer => this.#into.bytes

  /** @returns false to stop reading until `resume` */
  readonly callback = (count: number): boolean => {
    const goesOn = this.#client.write(this.#into.bytes.subarray(0, count))
    this.#into.prepare(count, this.#client.writableLength > 0)
    this.onPassed()
    return goesOn
  }
}
