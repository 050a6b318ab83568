import { performance } from 'node:perf_hooks'

const TICK_MS = 50
const SLOTS = 1_024

/** An object with at most one deadline at a time. Classes extend it, so that a deadline needs no object of its own. */
export abstract class Timed {
  /**
   * When `expire` is due, in milliseconds of {@link Deadlines.nowMs}; 0: no deadline. Set through {@link Deadlines}.
   */
  dueMs = 0
  /** Position on the wheel; owned by {@link Deadlines}. */
  slot = -1
  previous: Timed | null = null
  next: Timed | null = null

  /** Called once when the deadline has passed; it may set the next one. */
  abstract expire(): void
}

/**
 * One coarse timer wheel for every deadline of the process: setting, moving and clearing one are a few assignments,
 * so that a request costs no timer. A deadline expires up to 100 ms late and never early, and only after the event loop has
 * looked for I/O.
 * A later deadline only overwrites a number; the entry moves when its old slot comes around.
 * The timer runs only while something has a deadline, and never keeps the process alive.
 */
export class Deadlines {
  readonly #slots: (Timed | null)[] = new Array(SLOTS).fill(null)
  #count = 0
  #tick = 0
  #timer: NodeJS.Timeout | undefined
  readonly #clock: () => number
  #nowMs: number
  #isHeld = false

  /** @param clock milliseconds, monotonic; a test passes its own. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
    this.#nowMs = clock()
    this.#tick = Math.floor(this.#nowMs / TICK_MS)
  }

  /** Milliseconds on a monotonic clock, as old as the last `set`, and at most one tick old when a turn of the loop begins. */
  get nowMs(): number {
    if (this.#timer === undefined) this.#nowMs = this.#clock()
    return this.#nowMs
  }

  /** As `nowMs`, read anew unless it is held. */
  readNowMs(): number {
    if (!this.#isHeld) this.#nowMs = this.#clock()
    return this.#nowMs
  }

  /** Reads the clock once for all that one event leads to, until `release`: a request would read it nine times. */
  hold(): void {
    this.#nowMs = this.#clock()
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
  }

  /** Expire `timed` in `delayMs` from now, instead of when it was due before. */
  set(timed: Timed, delayMs: number): void {
    // Read anew: on a busy machine this turn of the event loop may have taken longer than `delayMs`.
    const dueMs = this.readNowMs() + delayMs + TICK_MS
    const moved = timed.slot >= 0 && dueMs < timed.dueMs
    timed.dueMs = dueMs
    if (moved) this.#unlink(timed)
    if (timed.slot < 0) this.#link(timed)
  }

  /** No deadline any more. */
  clear(timed: Timed): void {
    timed.dueMs = 0
    if (timed.slot >= 0) this.#unlink(timed)
  }

  #link(timed: Timed): void {
    if (this.#timer === undefined) this.#start()
    const tick = Math.max(Math.ceil(timed.dueMs / TICK_MS), this.#tick + 1)
    const slot = Math.min(tick, this.#tick + SLOTS - 1) % SLOTS
    const head = this.#slots[slot] ?? null
    timed.slot = slot
    timed.previous = null
    timed.next = head
    if (head !== null) head.previous = timed
    this.#slots[slot] = timed
    this.#count += 1
  }

  #unlink(timed: Timed): void {
    if (timed.previous === null) this.#slots[timed.slot] = timed.next
    else timed.previous.next = timed.next
    if (timed.next !== null) timed.next.previous = timed.previous
    timed.previous = null
    timed.next = null
    timed.slot = -1
    this.#count -= 1
  }

  /**
   * Timers run before the event loop looks for I/O. What is due waits for that: when this process did not run for a
   * while, bytes that came in time must not count as late.
   */
  #start(): void {
    this.#tick = Math.floor(this.#nowMs / TICK_MS)
    const advance = () => this.advance()
    this.#timer = setInterval(() => {
      this.#nowMs = this.#clock()
      setImmediate(advance)
    }, TICK_MS).unref()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Expires what is due. The interval calls it; a test with its own clock does too. */
  advance(): void {
    this.#nowMs = this.#clock()
    const target = Math.floor(this.#nowMs / TICK_MS)
    const last = Math.min(target, this.#tick + SLOTS)
    while (this.#tick < last) {
      this.#tick += 1
      this.#turn(this.#tick % SLOTS)
    }
    this.#tick = target
    if (this.#count === 0) this.#stop()
  }

  /** Empties one slot from its head, because what expires may clear its neighbours. */
  #turn(slot: number): void {
    for (let timed = this.#slots[slot]; timed; timed = this.#slots[slot]) {
      this.#unlink(timed)
      if (timed.dueMs > this.#nowMs) this.#link(timed)
      else timed.expire()
    }
  }
}
