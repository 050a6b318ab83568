/** How long the same bad news is not told again, however often it comes and goes. */
const QUIET_MS = 10_000

/** Which changes of a state are worth a line in the log: one that flickers would fill it. */
export class News {
  readonly #toldMs = new Map<string, number>()
  readonly #clock: () => number
  #isFirst = true
  #wasBad = false

  /** @param clock milliseconds; a test passes its own. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Whether to tell of `what`, which is bad; it counts as told then. */
  isBadNews(what: string): boolean {
    const nowMs = this.#clock()
    if (nowMs - (this.#toldMs.get(what) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return false
    this.#toldMs.set(what, nowMs)
    this.#isFirst = false
    this.#wasBad = true
    return true
  }

  /** Whether to tell that all is well: the first time, and after bad news that was told. */
  isGoodNews(): boolean {
    const isNews = this.#isFirst || this.#wasBad
    this.#isFirst = false
    this.#wasBad = false
    return isNews
  }
}
