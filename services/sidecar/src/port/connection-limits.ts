/** Counts connections in total and per client address, and says whether one more is within bounds. */
export class ConnectionLimits {
  readonly #maxTotal: number
  readonly #maxPerAddress: number
  readonly #perAddress = new Map<string, number>()
  #total = 0

  constructor(maxTotal: number, maxPerAddress: number) {
    this.#maxTotal = maxTotal
    this.#maxPerAddress = maxPerAddress
  }

  /** Takes a place; false when none is left. */
  take(address: string): boolean {
    const ofAddress = this.#perAddress.get(address) ?? 0
    if (this.#total >= this.#maxTotal || ofAddress >= this.#maxPerAddress) return false
    this.#total += 1
    this.#perAddress.set(address, ofAddress + 1)
    return true
  }

  /** Gives back a place that `take` gave. */
  release(address: string): void {
    const ofAddress = this.#perAddress.get(address) ?? 0
    this.#total -= 1
    if (ofAddress > 1) this.#perAddress.set(address, ofAddress - 1)
    else this.#perAddress.delete(address)
  }
}
