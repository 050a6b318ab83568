const CAPACITY = 256

/** Ranges of a head that are not forwarded, in order and apart from each other. */
export class Drops {
  count = 0
  /** Bytes of all ranges together. */
  total = 0
  readonly #positions = new Int32Array(2 * CAPACITY)

  clear(): void {
    this.count = 0
    this.total = 0
  }

  start(index: number): number {
    return this.#positions[2 * index] as number
  }

  end(index: number): number {
    return this.#positions[2 * index + 1] as number
  }

  /** Adds a line that may stand anywhere; one that is there already stays once. */
  add(start: number, end: number): void {
    const last = this.count === 0 ? -1 : this.end(this.count - 1)
    if (start < last) this.#insert(start, end)
    else this.#append(start, end, last)
  }

  #append(start: number, end: number, last: number): void {
    this.total += end - start
    if (start === last) this.count -= 1
    else this.#positions[2 * this.count] = start
    this.#positions[2 * this.count + 1] = end
    this.count += 1
  }

  /** The rare case: a field that another line's `Connection` names. */
  #insert(start: number, end: number): void {
    const ranges = Array.from(
      { length: this.count },
      (_, index) => [this.start(index), this.end(index)] as const,
    )
    if (ranges.some(([from, to]) => from <= start && end <= to)) return
    this.clear()
    for (const [from, to] of [...ranges, [start, end] as const].toSorted(([a], [b]) => a - b))
      this.add(from, to)
  }
}
