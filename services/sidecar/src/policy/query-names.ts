import { AMPERSAND, EQUALS, HEX, PERCENT, PLUS, QUESTION, SEMICOLON, SPACE } from '../http1/bytes.ts'

const MAX_NAME_CHARACTERS = 128

/** All names that the rules of a route allow in queries. Found by a hash: a route may have 1,000 rules with 32 names each. */
export class KnownNames {
  readonly #byHash = new Map<number, KnownName[]>()
  /** How many names a rule allows at most. */
  readonly most: number

  /** @param rules the names of each rule that has a condition on the query. */
  constructor(rules: readonly ReadonlySet<string>[]) {
    this.most = Math.max(0, ...rules.map(({ size }) => size))
    for (const name of new Set(rules.flatMap((names) => [...names]))) {
      const bytes = Buffer.from(name)
      const hash = hashOf(Buffer.from(encodeURIComponent(name)))
      const same = this.#byHash.get(hash)
      if (same === undefined) this.#byHash.set(hash, [{ name, bytes }])
      else same.push({ name, bytes })
    }
  }

  /** The name that `bytes[from, to)` decodes to; null when no rule has it. */
  at(bytes: Buffer, from: number, to: number): string | null {
    const candidates = this.#byHash.get(hashOf(bytes, from, to))
    if (candidates === undefined) return null
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i] as KnownName
      if (isSameName(bytes, from, to, candidate.bytes)) return candidate.name
    }
    return null
  }
}

interface KnownName {
  readonly name: string
  readonly bytes: Buffer
}

/**
 * The names in the query of a request. They are compared decoded, percent and `+`, with letter case. A name may occur
 * several times: lists are sent so (`match[]=a&match[]=b`), and the condition is on names, not on values. A name that is
 * allowed need not occur.
 *
 * Some servers take `;` for a separator as `&` is, others for a part of a name or value. The names of both readings must be
 * allowed: in `?a=1;b=2` that are `a` and `b`, and in `?a;b=2` `a;b` too. Empty pieces, as in `?a&&b`, are nobody's name.
 *
 * The query is read once, however many rules ask, and only as far as some rule could still allow it.
 */
export class QueryNames {
  readonly #known: KnownNames
  readonly #bytes: Buffer
  /** Past the question mark. */
  readonly #from: number
  readonly #to: number
  /** Each name once; null: not read yet. */
  #found: Set<string> | null = null
  /** All were read: some rule may allow them. */
  #isComplete = false

  /** @param from the position of the question mark, or `to` when there is none. */
  constructor(known: KnownNames, bytes: Buffer, from: number, to: number) {
    this.#known = known
    this.#bytes = bytes
    this.#from = bytes[from] === QUESTION && from < to ? from + 1 : to
    this.#to = to
  }

  /** @param names those of one of the rules that `KnownNames` was made of. */
  allowedBy(names: ReadonlySet<string>): boolean {
    if (this.#from === this.#to) return true
    // The rule says "no query": not even separators.
    if (names.size === 0) return false
    const found = this.#found ?? this.#read()
    if (!this.#isComplete || found.size > names.size) return false
    for (const name of found) if (!names.has(name)) return false
    return true
  }

  /** The first name that is not among `names`, as it was sent and clipped, for a message; null when all are. */
  refusedName(names: ReadonlySet<string>): string | null {
    if (this.allowedBy(names)) return null
    const bytes = this.#bytes
    const at = names.size === 0 ? this.#from : this.#firstRefused((name) => names.has(name))
    const end = nameEnd(bytes, at, this.#to)
    const name = this.#known.at(bytes, at, end)
    const isLonger = end === at || (name !== null && names.has(name))
    return clipped(bytes, at, isLonger ? wholeNameEnd(bytes, at, this.#to) : end)
  }

  #read(): Set<string> {
    const found = new Set<string>()
    this.#found = found
    // More different names than any rule has: none can allow them all.
    this.#isComplete = this.#firstRefused((name) => found.add(name).size <= this.#known.most) === -1
    return found
  }

  /** @returns where the first name begins that no rule has or `takes` does not take, or -1. */
  #firstRefused(takes: (name: string) => boolean): number {
    const bytes = this.#bytes
    const to = this.#to
    let at = this.#from
    let isWhole = true
    while (at < to) {
      const end = nameEnd(bytes, at, to)
      const next = pieceEnd(bytes, end, to)
      if (next > at && !this.#isTaken(at, end, takes)) return at
      // For servers that do not separate by `;`, all of `a;b` is one name.
      const isLonger = isWhole && end < to && bytes[end] === SEMICOLON
      if (isLonger && !this.#isTaken(at, wholeNameEnd(bytes, at, to), takes)) return at
      isWhole = bytes[next] === AMPERSAND
      at = next + 1
    }
    return -1
  }

  #isTaken(from: number, to: number, takes: (name: string) => boolean): boolean {
    const name = this.#known.at(this.#bytes, from, to)
    return name !== null && takes(name)
  }
}

function nameEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] !== EQUALS && !isSeparator(bytes[at])) at++
  return at
}

/** The same where only `&` separates. */
function wholeNameEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] !== EQUALS && bytes[at] !== AMPERSAND) at++
  return at
}

function pieceEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && !isSeparator(bytes[at])) at++
  return at
}

function isSeparator(byte: number | undefined): boolean {
  return byte === AMPERSAND || byte === SEMICOLON
}

/** The same for all spellings of a name (FNV-1a of its decoded bytes); whether they are the name, `isSameName` says. */
function hashOf(bytes: Buffer, from = 0, to = bytes.length): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) {
    let byte = bytes[at] as number
    if (byte === PLUS) byte = SPACE
    else if (byte === PERCENT && at + 2 < to) {
      byte = escaped(bytes, at)
      at += 2
    }
    hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return hash
}

/** Whether `bytes[from, to)` decodes to `name`. A `%` that begins no escape is never the same: servers differ about it. */
function isSameName(bytes: Buffer, from: number, to: number, name: Buffer): boolean {
  let at = from
  for (let i = 0; i < name.length; i++) {
    if (at >= to) return false
    const byte = bytes[at] as number
    if (byte === PERCENT) {
      if (at + 2 >= to || escaped(bytes, at) !== name[i]) return false
      at += 3
    } else {
      if ((byte === PLUS ? SPACE : byte) !== name[i]) return false
      at += 1
    }
  }
  return at === to
}

/** The byte that an escape stands for; 255 or more, which is no byte of UTF-8, when it is no escape. */
function escaped(bytes: Buffer, at: number): number {
  return (HEX[bytes[at + 1] as number] as number) * 16 + (HEX[bytes[at + 2] as number] as number)
}

function clipped(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('latin1', from, Math.min(to, from + MAX_NAME_CHARACTERS))
  return to - from > MAX_NAME_CHARACTERS ? `${text}…` : text
}
