const LEAST_BYTES = 4_096
const USUAL_BYTES = 16_384
const MOST_BYTES = 65_536

/**
 * What a socket reads into, over and over, where Node would allocate 64 KiB for each read. It grows while reads fill
 * it, and what is quiet holds little: 4 KiB at first, at most 16 after a read that left room.
 */
export class ReadBuffer {
  /** For the next read. */
  bytes: Buffer = Buffer.allocUnsafeSlow(LEAST_BYTES)

  /** To be called after each read. @param isInUse somebody still needs the bytes: they are left to them */
  prepare(count: number, isInUse: boolean): void {
    const size = this.#sizeAfter(count)
    if (isInUse || size !== this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(size)
  }

  #sizeAfter(count: number): number {
    const { length } = this.bytes
    return count === length ? Math.min(length * 4, MOST_BYTES) : Math.min(length, USUAL_BYTES)
  }
}
