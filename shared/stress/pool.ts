import { type Lock, Starter } from './starter.ts'

/**
 * Starter processes, kept between rounds. Killed ones are replaced. Every second one takes the lock by flock(1), the
 * others by flock(2): both ways must exclude each other.
 */
export class Pool implements AsyncDisposable {
  readonly #starters: Starter[] = []

  static async of(size: number): Promise<Pool> {
    const pool = new Pool()
    while (pool.#starters.length < size)
      pool.#starters.push(await Starter.spawn(lockOf(pool.#starters.length)))
    return pool
  }

  get all(): readonly Starter[] {
    return this.#starters
  }

  get owners(): Starter[] {
    return this.#starters.filter((starter) => starter.owns)
  }

  get idle(): Starter[] {
    return this.#starters.filter((starter) => !starter.owns)
  }

  /** Resolves when one owner is left: after takeovers, all but the last notice that they were replaced, and end. */
  async oneIsLeft(): Promise<void> {
    while (this.owners.length > 1) await Promise.race(this.owners.map((owner) => owner.ended()))
  }

  async replace(killed: Starter): Promise<void> {
    this.#starters[this.#starters.indexOf(killed)] = await Starter.spawn(killed.lock)
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.owners.map((owner) => owner.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#starters.map((starter) => starter.kill()))
  }
}

function lockOf(index: number): Lock {
  return index % 2 === 0 ? 'flock(2)' : 'flock(1)'
}
