import type { Mutant } from '../mutant.ts'

const HTTP = 'services/sidecar/src/http'
const ROUTE = `${HTTP}/http-route.test.ts`
const UPSTREAM = `${HTTP}/misbehaving-upstream.test.ts`
const CLIENT = `${HTTP}/misbehaving-client.test.ts`

/** What the sidecar lets pass, and how. */
export const relaying: readonly Mutant[] = [
  {
    name: 'every path is allowed',
    file: `${HTTP}/admission.ts`,
    find: 'if (!allow.allows(head.method, path, from, to)) return',
    replace: "if (head.method === 'NONE') return",
    killers: ['e2e/the-allow-list-is-all-there-is.test.ts'],
  },
  {
    name: 'every method is allowed',
    file: `${HTTP}/allow/allow-list.ts`,
    find: 'matches(rule, bytes, from, to) && rule.methods.has(method)',
    replace: 'matches(rule, bytes, from, to)',
    killers: ['e2e/the-allow-list-is-all-there-is.test.ts'],
  },
  {
    name: 'paths may have dot segments',
    file: `${HTTP}/allow/normal-path.ts`,
    find: 'if (byte === SLASH && bytes[at + 1] === DOT && isDotSegment(bytes, at + 1, to)) return false',
    replace: 'void isDotSegment',
    killers: [CLIENT],
  },
  {
    name: 'X-Forwarded-For is forgotten',
    file: `${HTTP}/head/compose-request.ts`,
    find: '  at += provenance.copy(out, at)\n',
    replace: '',
    killers: [ROUTE],
  },
  {
    name: "a client's own X-Forwarded-For passes",
    file: `${HTTP}/head/dropped-fields.ts`,
    find: "names: ['Forwarded', 'Forwarded-*', 'X-Forwarded', 'X-Forwarded-*'],",
    replace: "names: ['Forwarded'],",
    killers: [ROUTE],
  },
  {
    name: 'two lengths are taken',
    file: `${HTTP}/head/request-fields.ts`,
    find: '      if (head.contentLength >= 0) return LENGTH_TWICE\n',
    replace: '',
    killers: [`${HTTP}/head/parse-request-head.test.ts`],
  },
  {
    name: 'length and chunks are taken together',
    file: `${HTTP}/head/request-fields.ts`,
    find: '  if (head.chunked && head.contentLength >= 0) return head.refuse(BOTH)\n',
    replace: '',
    killers: [`${HTTP}/head/parse-request-head.test.ts`],
  },
  {
    name: 'unbounded request bodies, piece by piece',
    file: `${HTTP}/exchange.ts`,
    find: 'if (this.#request.bodyBytes > bodyBytes) this.#giveUp',
    replace: 'if (bodyBytes < 0) this.#giveUp',
    killers: [CLIENT],
  },
  {
    name: 'unbounded request bodies, in one piece with the head',
    file: `${HTTP}/exchange.ts`,
    find: 'if (this.#request.bodyBytes > bodyBytes) this.#answer',
    replace: 'if (bodyBytes < 0) this.#answer',
    killers: [CLIENT],
  },
  {
    name: 'unbounded request heads',
    file: `${HTTP}/client-connection.ts`,
    find: 'if (length > headBytes && position !== REFUSED) {',
    replace: 'if (headBytes < 0) {',
    killers: [CLIENT],
  },
  {
    name: 'a cut body ends like a whole one',
    file: `${HTTP}/exchange.ts`,
    find: '    this.#end()\n    this.#client.socket.reset()',
    replace: '    this.finish()',
    killers: [UPSTREAM],
  },
  {
    name: 'a POST is tried again',
    file: `${HTTP}/request-sender.ts`,
    find: 'return this.#body.done && this.#isIdempotent',
    replace: 'return true',
    killers: [UPSTREAM],
  },
  {
    name: "the scraper's deadline is ignored",
    file: `${HTTP}/exchange.ts`,
    find: 'Math.min(total, scrapeLimit(head.scrapeTimeoutMs))',
    replace: 'Math.min(total, scrapeLimit(0))',
    killers: ['e2e/a-paused-app-times-out.test.ts'],
  },
  {
    name: 'no deadline for the upstream',
    file: `${HTTP}/exchange.ts`,
    find: 'this.#allow(this.#request.isDone ? responseHead : body)\n    if (!this.#request',
    replace: 'this.#allow(this.#request.isDone ? 1e9 : body)\n    if (!this.#request',
    killers: [UPSTREAM],
  },
  {
    name: 'failures are not counted',
    file: 'services/sidecar/src/metrics/route-counters.ts',
    find: 'this.failures.set(code, (this.failures.get(code) ?? 0) + 1)',
    replace: 'void code',
    killers: ['e2e/killed-with-requests-in-flight.test.ts'],
  },
  {
    name: 'ready while it drains',
    file: 'services/sidecar/src/ops/pages.ts',
    find: "if (view.isDraining()) return json(503, { ready: false, reason: 'draining' })",
    replace: '',
    killers: ['services/sidecar/src/sidecar/sidecar.test.ts', 'services/sidecar/src/main.test.ts'],
  },
  {
    name: 'any number of connections',
    file: 'services/sidecar/src/port/connection-limits.ts',
    find: 'if (this.#total >= this.#maxTotal || peer.connections >= this.#maxPerAddress) return null',
    replace: '',
    killers: [CLIENT],
  },
  {
    name: 'a stream reads over bytes that wait to be sent',
    file: 'services/sidecar/src/stream/upstream-reading.ts',
    find: 'this.#client.writableLength > 0',
    replace: 'false',
    killers: ['services/sidecar/src/stream/stream-route.test.ts'],
  },
  {
    name: 'who waits on the operations port makes no room',
    file: 'shared/src/listen/bound-connections.ts',
    find: 'if (displaced === undefined) return false',
    replace: 'return displaced === undefined && false',
    killers: ['services/sidecar/src/ops/half-open-clients.test.ts'],
  },
  {
    name: 'a head may come a byte at a time for ever',
    file: 'shared/src/listen/bound-connections.ts',
    find: 'setTimeout(() => isLate() && giveUp(place), ms)',
    replace: 'setTimeout(() => isLate() || giveUp(place), ms)',
    killers: ['services/sidecar/src/ops/half-open-clients.test.ts'],
  },
  {
    name: 'ports do not change hands',
    file: 'services/sidecar/src/sidecar/plan-reload.ts',
    find: 'const port = takeHolder(free, formatEndpoint(ops), null)',
    replace: "const port = takeHolder(free, '', null)",
    killers: ['services/sidecar/src/sidecar/sidecar.test.ts'],
  },
]
