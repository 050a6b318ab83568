/** One part of a message: texts that are usual, and texts that are wrong or unusual. */
export type Part = readonly [usual: readonly string[], odd: readonly string[]]

/** A pseudo-random generator (mulberry32): the same seed gives the same numbers on every machine. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }

  /** `either` picks something odd once in so many times; 0: never. */
  seldom = 0

  /** Picks one of `usual` or, once in `seldom` times, one of `odd`. */
  either<T>(usual: readonly T[], odd: readonly T[]): T {
    return this.seldom > 0 && this.chance(this.seldom) ? this.pick(odd) : this.pick(usual)
  }

  /** True once in `oneIn` times. */
  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }
}
