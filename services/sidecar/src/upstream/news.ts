/** How long the same bad news is not told again, however often it comes and goes. */
const QUIET_MS = 10_000

/** Which changes of a state are worth a line in the log: one that flickers would fill it. */
export class News {
  readonly #toldMs = new Map<string, number>()
  readonly #clock: () => number
  /** What was told last: bad news, or null for good; undefined: nothing yet. */
  #last: string | null | undefined

  /** @param clock milliseconds; a test passes its own. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Whether to tell of `what`, which is bad and may have been for long; it counts as told then. */
  isBadNews(what: string): boolean {
    if (what === this.#last) return false
    const nowMs = this.#clock()
    if (nowMs - (this.#toldMs.get(what) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return false
    this.#toldMs.set(what, nowMs)
    this.#last = what
    return true
  }

  /** Whether to tell that all is well: the first time, and after bad news that was told. */
  isGoodNews(): boolean {
    const isNews = this.#last !== null
    this.#last = null
    return isNews
  }
}
