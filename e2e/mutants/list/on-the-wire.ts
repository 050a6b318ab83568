import type { Mutant } from '../mutant.ts'

const FORGED = 'services/sidecar/src/relay/forged-fields.test.ts'
const COST = 'services/sidecar/src/http1/head-cost.test.ts'
const SLOW = 'services/sidecar/src/relay/slow-clients.test.ts'
const REQUESTS = 'services/sidecar/src/relay/honest-requests.test.ts'
const RESPONSES = 'services/sidecar/src/relay/honest-responses.test.ts'
const UPSTREAM = 'services/sidecar/src/relay/misbehaving-upstream.test.ts'
const REUSE = 'services/sidecar/src/relay/upstream-reuse.test.ts'
const WAITING = 'services/sidecar/src/relay/waiting-requests.test.ts'
const TIMING = 'services/sidecar/src/relay/honest-timing.test.ts'

/** What hostile clients send, and what honest peers may. */
export const onTheWire: readonly Mutant[] = [
  {
    name: 'names with _ are forwarded',
    file: 'services/sidecar/src/http1/request-head.ts',
    find: '      case FIELD.oddName:\n',
    replace: '',
    killers: [FORGED],
  },
  {
    name: 'names are compared as they are',
    file: 'services/sidecar/src/http1/bytes.ts',
    find: '(isLetterOrDigit(byte) ? byte : 0x2d)',
    replace: '(isLetterOrDigit(byte) || byte !== 0x5f ? byte : 0x2d)',
    killers: [FORGED],
  },
  {
    name: 'trailers may say where a request came from',
    file: 'services/sidecar/src/http1/trailer-line.ts',
    find: 'isReserved(id) || id === FIELD.dropped || isCredential(id)',
    replace: 'isReserved(id)',
    killers: [FORGED],
  },
  {
    name: 'passFields passes everything',
    file: 'services/sidecar/src/http1/request-head.ts',
    find: 'if (this.#passFields.size === 0) return false',
    replace: 'if (this.#passFields.size > 0) return true',
    killers: [FORGED],
  },
  {
    name: 'every option of Connection is held against every line',
    file: 'services/sidecar/src/http1/hop-by-hop.ts',
    find: 'export const MOST_NOMINATED = 32',
    replace: 'export const MOST_NOMINATED = 65_536',
    killers: [COST],
  },
  {
    name: 'a head is parsed again with each byte',
    file: 'services/sidecar/src/http1/partial-head.ts',
    find: 'const isWorthwhile = this.#buffer.length',
    replace: 'const isWorthwhile = before > 0 || this.#buffer.length',
    killers: [COST],
  },
  {
    name: 'slow clients keep what others wait for',
    file: 'services/sidecar/src/relay/upstream-pool.ts',
    find: '      connection.giveUpSlow()\n',
    replace: '',
    killers: [SLOW],
  },
  {
    name: 'bodies that are still to come may take every connection',
    file: 'services/sidecar/src/relay/upstream-pool.ts',
    find: '(isRequestDone || this.mayUpload(peer))',
    replace: '(isRequestDone || true)',
    killers: [SLOW, WAITING],
  },
  {
    name: 'requests wait in the order in which they came',
    file: 'services/sidecar/src/relay/fair-queue.ts',
    find: '      this.#byPeer.delete(peer)\n      this.#byPeer.set(peer, items)\n',
    replace: '',
    killers: [WAITING],
  },
  {
    name: 'bodies that are still to come wait for all whole requests',
    file: 'services/sidecar/src/relay/waiting-requests.ts',
    find: 'this.#isUploadsTurn = !this.#isUploadsTurn',
    replace: 'this.#isUploadsTurn = false',
    killers: [WAITING],
  },
  {
    name: 'refusals are written to a client that does not read',
    file: 'services/sidecar/src/relay/response-sender.ts',
    find: '    if (!this.#client.isFull) return\n    this.isFull = true\n',
    replace: '',
    killers: [SLOW],
  },
  {
    name: 'no response waits in memory',
    file: 'services/sidecar/src/relay/connection-limits.ts',
    find: 'if (isTooMuch) return false',
    replace: 'if (isTooMuch || bytes > 0) return false',
    killers: [SLOW],
  },
  {
    name: 'a response that was not read counts as taken',
    file: 'services/sidecar/src/relay/exchange.ts',
    find: 'this.#isFlushing = this.#response.isFull',
    replace: 'this.#isFlushing = false',
    killers: [SLOW],
  },
  {
    name: 'a POST goes out on an open connection',
    file: 'services/sidecar/src/relay/upstream-pool.ts',
    find: 'taker.needsFresh && !this.#isLastSurelyOpen ? undefined : this.#idle.pop()',
    replace: 'this.#idle.pop()',
    killers: [REUSE],
  },
  {
    name: 'a connection that is reset at once is an io_error',
    file: 'shared/src/dial/dial-failure.ts',
    find: '  ECONNRESET: CLOSED_AT_ONCE,\n  EPIPE: CLOSED_AT_ONCE,\n  EMFILE: NO_DESCRIPTOR,\n  ENFILE: NO_DESCRIPTOR,\n}\n\nconst TCP',
    replace: '  EMFILE: NO_DESCRIPTOR,\n  ENFILE: NO_DESCRIPTOR,\n}\n\nconst TCP',
    killers: [UPSTREAM, 'shared/src/dial/dial.test.ts'],
  },
  {
    name: 'every Upgrade is refused',
    file: 'services/sidecar/src/http1/request-fields.ts',
    find: 'return head.minor === 1 && namesWebSocket(bytes, from, to) ? UPGRADE : null',
    replace: 'return UPGRADE',
    killers: [REQUESTS],
  },
  {
    name: 'a 204 may announce a body',
    file: 'services/sidecar/src/http1/response-fields.ts',
    find: 'if (fault !== null && !head.isBodiless) return fault',
    replace: 'if (fault !== null) return fault',
    killers: [RESPONSES],
  },
  {
    name: 'what follows a HEAD is the next response',
    file: 'services/sidecar/src/relay/response-reader.ts',
    find: ' && !this.#head.mayBeFollowedByBody(taker.method)',
    replace: '',
    killers: [RESPONSES],
  },
  {
    name: 'white space in chunk lines is broken',
    file: 'services/sidecar/src/http1/body-framing.ts',
    find: 'new ChunkedFraming(this.#sender, this.#replaced)',
    replace: "new ChunkedFraming('client')",
    killers: [RESPONSES],
  },
  {
    name: 'HTTP/1.0 clients get Transfer-Encoding',
    file: 'services/sidecar/src/http1/response-head.ts',
    find: ' || this.clientMinor === 0\n',
    replace: '\n',
    killers: [RESPONSES],
  },
  {
    name: 'HTTP/1.0 clients are not told that a connection is kept',
    file: 'services/sidecar/src/relay/response-sender.ts',
    find: "return this.minor === 0 ? 'keep-alive' : null",
    replace: 'return null',
    killers: [RESPONSES],
  },
  {
    name: 'interim heads go through as they came',
    file: 'services/sidecar/src/relay/response-sender.ts',
    find: 'copy.subarray(rewriteResponse(copy, start, head, null), end)',
    replace: 'copy.subarray(start, end)',
    killers: [RESPONSES],
  },
  {
    name: 'a refusal waits two seconds for a client that is sending',
    file: 'services/sidecar/src/relay/client-connection.ts',
    find: "else if (this.#state === 'lingering') this.#lingerOn()",
    replace: '',
    killers: [TIMING],
  },
  {
    name: 'any Host is taken',
    file: 'services/sidecar/src/http1/request-fields.ts',
    find: 'if (to > from && !isHostAndPort(bytes, from, to)) return HOST_INVALID',
    replace: 'void isHostAndPort',
    killers: [REQUESTS],
  },
  {
    name: 'a URL without a path is matched as nothing',
    file: 'services/sidecar/src/policy/allow-list.ts',
    find: "impliedPath === '' ? normalPath",
    replace: "impliedPath !== '*' ? normalPath",
    killers: [REQUESTS],
  },
  {
    name: 'half of an empty line is a head',
    file: 'services/sidecar/src/relay/client-connection.ts',
    find: 'if (this.#isHeadTimed || isHalfLine) return',
    replace: 'if (this.#isHeadTimed) return',
    killers: [TIMING],
  },
  {
    name: 'a scraper with a short timeout blames the upstream',
    file: 'services/sidecar/src/relay/exchange-time.ts',
    find: '    if (this.#isTooShortToBlame) return scraperTooHasty()\n',
    replace: '',
    killers: [TIMING],
  },
  {
    name: 'no Date is added',
    file: 'services/sidecar/src/relay/response-sender.ts',
    find: 'if (head.dateStart < 0) lines.push(this.#date.now())',
    replace: '',
    killers: [RESPONSES],
  },
  {
    name: 'a cut response on a Unix socket ends like a whole one',
    file: 'services/sidecar/src/relay/response-sender.ts',
    find: 'this.#isChunking = !head.isDelimited && this.minor === 1 && !this.#canReset',
    replace: '',
    killers: ['services/sidecar/src/relay/response-on-unix.test.ts'],
  },
]
