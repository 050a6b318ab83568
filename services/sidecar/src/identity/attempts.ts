/** Stand-in. */
export class Attempts {
  readonly #counts = new Map<string, number>()
  failed(caller: string): boolean {
    const count = (this.#counts.get(caller) ?? 0) + 1
    this.#counts.set(caller, count)
    return count > 10
  }
}
