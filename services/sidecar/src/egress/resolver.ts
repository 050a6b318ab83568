import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import { addressesInHosts } from './hosts-file.ts'

/** Asks for all addresses of one name, with `all: true`, as `dns.lookup` does. */
export type Lookup = (
  name: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

export interface ResolverOptions {
  /** What asks the system. Default `dns.lookup`. */
  readonly lookup?: Lookup
  /** Default `/etc/hosts`. */
  readonly hostsFile?: string
  /** Milliseconds that one look-up may take, its time in the queue included. Default 5000. */
  readonly timeoutMs?: number
  /**
   * Look-ups at a time. Default 2: each holds one of the four threads that also read files, and libuv gives look-ups no
   * more than half of them. Where several ask, one of them leaves the last place to the others.
   */
  readonly maxActive?: number
  /** Look-ups of one asker that may wait for one of those places. Default 256. */
  readonly maxWaiting?: number
  /** Names whose result is kept. Default 256. */
  readonly maxCached?: number
  /** Milliseconds for which addresses are kept. Default 10000: `getaddrinfo` does not tell the TTL of the record. */
  readonly keepMs?: number
  /** Milliseconds for which a failure is kept. Default 1000. */
  readonly keepFailureMs?: number
  /** Milliseconds on a monotonic clock. */
  readonly clock?: () => number
}

/** Addresses of one name that are not used. */
const MOST_ADDRESSES = 16

interface Entry {
  readonly result: Promise<readonly LookupAddress[]>
  /** Infinity while the look-up runs. */
  untilMs: number
  /** When it ended. */
  sinceMs: number
}

/** Somebody who asks: a route. */
interface Asker {
  active: number
  readonly waiting: (() => void)[]
}

/**
 * Looks up names with the system's resolver (`/etc/hosts`, then what nsswitch.conf and resolv.conf say). Names are
 * absolute: the search domains of resolv.conf are not tried, so that a name cannot become another one. The same name is
 * asked for once at a time, and its result is kept for some seconds.
 */
export class Resolver {
  readonly #lookup: Lookup
  readonly #options: Required<Omit<ResolverOptions, 'lookup'>>
  /** The oldest first: a name that is asked for again after its time is put at the end. */
  readonly #entries = new Map<string, Entry>()
  /** By name; those who have waited longest for a place are first. */
  readonly #askers = new Map<string, Asker>()
  #active = 0

  constructor({ lookup = systemLookup, ...options }: ResolverOptions = {}) {
    this.#lookup = lookup
    this.#options = { ...DEFAULTS, ...options }
  }

  /**
   * All addresses of `name`, at most 16, in the order of the system. The caller checks them.
   * @param name a host name without a trailing dot; never an address
   * @param asker the name of the route. The app chooses the names on a route of kind connect, and may control a slow name
   * server: each asker waits for its own look-ups.
   * @throws Failure `host_unknown` when it does not resolve in time, `overloaded` when too many look-ups wait
   */
  async lookup(name: string, asker = ''): Promise<readonly LookupAddress[]> {
    const known = this.#entries.get(name)
    if (known !== undefined && this.#options.clock() < known.untilMs) return await known.result
    return await this.#remember(name, asker)
  }

  /**
   * Nobody could be reached at the addresses of `name`: they may be old. The next look-up asks for them again, unless the
   * last one ended less than `keepFailureMs` ago.
   */
  forget(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.untilMs === Number.POSITIVE_INFINITY) return
    entry.untilMs = Math.min(entry.untilMs, entry.sinceMs + this.#options.keepFailureMs)
  }

  #remember(name: string, asker: string): Promise<readonly LookupAddress[]> {
    const { clock, keepMs, keepFailureMs, maxCached } = this.#options
    const entry: Entry = {
      result: this.#ask(name, this.#askerOf(asker)),
      untilMs: Number.POSITIVE_INFINITY,
      sinceMs: 0,
    }
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    entry.result.then(
      () => {
        entry.sinceMs = clock()
        entry.untilMs = entry.sinceMs + keepMs
      },
      (error: unknown) => {
        // A full queue says nothing about the name.
        const isAboutName = error instanceof Failure && error.code === 'host_unknown'
        entry.sinceMs = clock()
        if (isAboutName) entry.untilMs = entry.sinceMs + keepFailureMs
        else if (this.#entries.get(name) === entry) this.#entries.delete(name)
      },
    )
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > maxCached && oldest !== undefined) this.#entries.delete(oldest)
    return entry.result
  }

  #askerOf(name: string): Asker {
    const asker = this.#askers.get(name) ?? { active: 0, waiting: [] }
    this.#askers.set(name, asker)
    return asker
  }

  async #ask(name: string, asker: Asker): Promise<readonly LookupAddress[]> {
    const { promise, resolve, reject } = Promise.withResolvers<LookupAddress[]>()
    const { timeoutMs } = this.#options
    const timer = setTimeout(() => reject(unknownHost(name, tooLate(timeoutMs))), timeoutMs)
    const start = () => {
      this.#active += 1
      asker.active += 1
      this.#askSystem(name)
        .then(resolve, reject)
        .finally(() => this.#release(asker))
    }
    try {
      this.#take(asker, start)
      return (await promise).slice(0, MOST_ADDRESSES)
    } finally {
      clearTimeout(timer)
      const at = asker.waiting.indexOf(start)
      if (at >= 0) asker.waiting.splice(at, 1) // it was still in the queue when its time was over
    }
  }

  #take(asker: Asker, start: () => void): void {
    if (this.#hasPlaceFor(asker)) start()
    else if (asker.waiting.length < this.#options.maxWaiting) asker.waiting.push(start)
    else throw tooManyLookups(asker.waiting.length)
  }

  #hasPlaceFor({ active }: Asker): boolean {
    const { maxActive } = this.#options
    const share = this.#askers.size > 1 ? Math.max(1, maxActive - 1) : maxActive
    return this.#active < maxActive && active < share
  }

  /** A look-up of the system cannot be cancelled: it keeps its place until it ends, also after its deadline. */
  #release(asker: Asker): void {
    this.#active -= 1
    asker.active -= 1
    for (const [name, each] of this.#askers) {
      const start = this.#hasPlaceFor(each) ? each.waiting.shift() : undefined
      if (start === undefined) continue
      this.#askers.delete(name)
      this.#askers.set(name, each) // the others are first at the next place
      start()
      return
    }
  }

  async #askSystem(name: string): Promise<LookupAddress[]> {
    // The C library finds no name with a trailing dot in /etc/hosts (glibc 2.36), so that file is read here.
    const inFile = await addressesInHosts(this.#options.hostsFile, name)
    if (inFile.length > 0) return inFile
    const { promise, resolve, reject } = Promise.withResolvers<LookupAddress[]>()
    this.#lookup(`${name}.`, { all: true }, (error, addresses) => {
      if (error !== null) reject(unknownHost(name, explanationOf(error), error))
      else if (addresses.length === 0) reject(unknownHost(name, NOT_FOUND, NO_ADDRESS))
      else resolve(addresses)
    })
    return await promise
  }
}

const DEFAULTS = {
  hostsFile: '/etc/hosts',
  timeoutMs: 5_000,
  maxActive: 2,
  maxWaiting: 256,
  maxCached: 256,
  keepMs: 10_000,
  keepFailureMs: 1_000,
  clock: () => performance.now(),
} as const

type Explanation = readonly [what: string, hint: string]

const NOT_FOUND: Explanation = [
  'the name does not resolve',
  'correct the host: names are absolute, so write it with its whole domain; or join its network',
]
/** As Node reports a name without an address (EAI_NODATA). */
const NO_ADDRESS = Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' })
const NO_SERVER: Explanation = [
  'the name server does not respond',
  'check resolv.conf of the sidecar, or join a network that has DNS',
]

function explanationOf(error: Error): Explanation {
  return errnoOf(error) === 'EAI_AGAIN' ? NO_SERVER : NOT_FOUND
}

function tooLate(timeoutMs: number): Explanation {
  return [`the name server did not respond within ${timeoutMs} ms`, NO_SERVER[1]]
}

function unknownHost(name: string, [what, hint]: Explanation, cause?: unknown): Failure {
  return new Failure('host_unknown', { message: `cannot resolve ${name}: ${what}`, hint, cause })
}

function tooManyLookups(waiting: number): Failure {
  return new Failure('overloaded', {
    message: `cannot resolve a name: ${waiting} look-ups already wait for the name server`,
    hint: 'check the name server in resolv.conf of the sidecar, or try again later',
  })
}
