import { isIPv6 } from 'node:net'

/** Failed attempts of one caller in {@link WINDOW_MS}; the next one is over the limit. */
export const MAX_FAILED = 10
const WINDOW_MS = 60_000
/** Callers that are remembered: half of them at the limit, half below it. */
const MAX_CALLERS = 10_000

/**
 * The failed attempts of each caller in the last minute: a window that slides, so that no minute has more than 10
 * below the limit, wherever it begins.
 *
 * Memory is bounded. Where too many callers fail at once, the one that failed longest ago is forgotten. Callers at the
 * limit are counted apart from the others: a flood of addresses, each of which fails once, does not displace them.
 */
export class Attempts {
  readonly #now: () => number
  readonly #maxHalf: number
  /** Times of the last failures of each caller, at most {@link MAX_FAILED}; who failed longest ago comes first. */
  readonly #below = new Map<string, number[]>()
  readonly #atLimit = new Map<string, number[]>()

  /** @param now a clock, in milliseconds */
  constructor(now: () => number = () => performance.now(), maxCallers = MAX_CALLERS) {
    this.#now = now
    this.#maxHalf = maxCallers / 2
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.#below.size + this.#atLimit.size
  }

  /**
   * Counts one failed attempt.
   * @param caller an address, or another key of a caller
   * @returns whether the caller has more than 10 in the last minute, with this one
   */
  failed(caller: string): boolean {
    const group = callerGroup(caller)
    const now = this.#now()
    const former = this.#atLimit.get(group) ?? this.#below.get(group) ?? []
    const recent = former.filter((time) => time > now - WINDOW_MS)
    const isOver = recent.length === MAX_FAILED
    const times = [...recent, now].slice(-MAX_FAILED)
    this.#atLimit.delete(group)
    this.#below.delete(group)
    const half = times.length === MAX_FAILED ? this.#atLimit : this.#below
    half.set(group, times) // at the end of the order
    this.#forget(half, now)
    return isOver
  }

  /** Forgets the callers at the beginning of the order whose minute is over, and one more when there are too many. */
  #forget(half: Map<string, number[]>, now: number): void {
    for (const [group, times] of half) {
      if ((times.at(-1) ?? 0) > now - WINDOW_MS && half.size <= this.#maxHalf) return
      half.delete(group)
    }
  }
}

/**
 * The callers that count as one. Of an IPv6 address the first 64 bits count: a host has all addresses of its /64
 * network (RFC 4291 section 2.5.1, RFC 8981), and could use a new one for each attempt. An IPv4 address is the same
 * in its IPv6 form `::ffff:a.b.c.d`. All other keys, such as `uid 1000`, stay as they are.
 */
export function callerGroup(caller: string): string {
  const [address = '', zone] = caller.split('%')
  if (!isIPv6(address)) return caller
  const groups = groupsOf(address)
  const [low = 0, high = 0] = groups.slice(6)
  if (groups.slice(0, 6).join() === '0,0,0,0,0,65535')
    return [low >> 8, low & 255, high >> 8, high & 255].join('.')
  const prefix = groups.slice(0, 4).map((group) => group.toString(16))
  return `${prefix.join(':')}::/64${zone === undefined ? '' : `%${zone}`}`
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [before = '', after] = text.split('::')
  const head = numbersOf(before)
  if (after === undefined) return head
  const tail = numbersOf(after)
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

function numbersOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
