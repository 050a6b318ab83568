import type { Mutant } from '../mutant.ts'

const PROBE = 'services/sidecar/src/upstream/ready-probe.ts'
const UPSTREAM = 'services/sidecar/src/upstream/upstream.ts'
const PAGES = 'services/sidecar/src/observe/pages.ts'
const PROBE_TEST = 'services/sidecar/src/upstream/ready-probe.test.ts'
const PAGES_TEST = 'services/sidecar/src/observe/readiness.test.ts'
const ACCESS_TEST = 'services/sidecar/src/observe/operations-access.test.ts'
const WAY_OUT_TEST = 'services/sidecar/src/way-out/ready.test.ts'
const CONFIG_TEST = 'services/sidecar/src/config/ready.test.ts'

const METRICS = 'services/sidecar/src/observe/metric-table.ts'
const METRICS_TEST = 'services/sidecar/src/observe/failure-metrics.test.ts'
const COUNTERS = 'services/sidecar/src/observe/route-counters.ts'
const CHOSEN_TEST = 'services/sidecar/src/observe/chosen-hosts.test.ts'

const SERIES_TEST = 'services/sidecar/src/observe/series.test.ts'
const HEAD_TEST = 'services/sidecar/src/observe/head-duration.test.ts'

/** What ready means, who is asked for it, and what the operations port says of it; who is to blame in the metrics. */
export const readiness: readonly Mutant[] = [
  {
    name: 'ready: a redirect counts as ready',
    file: PROBE,
    find: 'status >= 200 && status < 300',
    replace: 'status >= 200 && status < 400',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: a server error counts as ready',
    file: PROBE,
    find: 'status >= 200 && status < 300',
    replace: 'status >= 200',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: only 200 counts as ready',
    file: PROBE,
    find: 'status >= 200 && status < 300',
    replace: 'status === 200',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: a hung app is called a closed connection',
    file: PROBE,
    find: 'deadline.aborted ? hung(endpoint, ready) : requestFailure(endpoint, error)',
    replace: 'requestFailure(endpoint, error)',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: the connection of the probe stays open',
    file: PROBE,
    find: '    request.destroy()\n',
    replace: '',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: a client that connects to a paused app makes it ready',
    file: UPSTREAM,
    find: 'if (this.#ready === null) this.#reportUp()',
    replace: 'this.#reportUp()',
    killers: [PROBE_TEST, PAGES_TEST],
  },
  {
    name: 'ready: readers ask although the last result is young',
    file: UPSTREAM,
    find: 'nowMs - this.#probedAtMs < this.#ready.withinMs',
    replace: 'false',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: readers get a result of any age',
    file: UPSTREAM,
    find: 'nowMs - this.#probedAtMs < this.#ready.withinMs',
    replace: 'true',
    killers: [PROBE_TEST, PAGES_TEST],
  },
  {
    name: 'ready: readers at the same time ask once each',
    file: UPSTREAM,
    find: 'this.#probe ??= this.#probeOnce()',
    replace: 'this.#probe = this.#probeOnce()',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: the upstream is asked only by readers',
    file: UPSTREAM,
    find: 'if (ready !== null) this.#readyTimer',
    replace: 'if (ready === undefined) this.#readyTimer',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: a probe has no TLS, and dials every address',
    file: UPSTREAM,
    find: '{ ...this.#dialOptions(), signal })',
    replace: '{ signal })',
    killers: [WAY_OUT_TEST],
  },
  {
    name: 'ready: a probe has no credentials',
    file: 'services/sidecar/src/sidecar/running-route.ts',
    find: 'probeFields(outgoing?.destination ?? SOCKET)',
    replace: 'probeFields(SOCKET)',
    killers: [WAY_OUT_TEST],
  },
  {
    name: 'ready: the value of a credential ends at its colon',
    file: 'services/sidecar/src/http1/destination.ts',
    find: 'line.slice(colon + 2)]',
    replace: 'line.split(": ")[1] ?? ""]',
    killers: [WAY_OUT_TEST],
  },
  {
    name: 'ready: the result of a socket counts for the one that replaced it',
    file: UPSTREAM,
    find: 'return this.#askedSocket === this.#socket && nowMs',
    replace: 'return nowMs',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: a socket is replaced while it is asked, and is blamed for the old one',
    file: UPSTREAM,
    find: 'if (this.#askedSocket !== this.#socket) failure = await ask()',
    replace: 'if (this.#askedSocket === null) failure = await ask()',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: a connection of a client to TCP counts as a probe',
    file: UPSTREAM,
    find: 'nowMs - this.#probedAtMs < this.#ready.withinMs',
    replace: 'nowMs - Math.max(this.#probedAtMs, this.#attemptedAtMs + GOOD_MS) < this.#ready.withinMs',
    killers: [WAY_OUT_TEST],
  },
  {
    name: 'ready: a probe ends only by itself when its route has ended',
    file: UPSTREAM,
    find: '    this.#disposed.abort()\n',
    replace: '',
    killers: [PROBE_TEST],
  },
  {
    name: 'ready: the setting is not used',
    file: 'services/sidecar/src/sidecar/running-route.ts',
    find: "if (route.kind !== 'http' || route.ready === undefined) return null",
    replace: "if (route.kind !== 'http' || route.ready !== null) return null",
    killers: [PAGES_TEST],
  },
  {
    name: 'ready: an optional route makes the sidecar not ready',
    file: PAGES,
    find: '=> optional && name === undefined',
    replace: '=> false',
    killers: [PAGES_TEST],
  },
  {
    name: 'ready: every route is optional',
    file: PAGES,
    find: '=> optional && name === undefined',
    replace: '=> name === undefined',
    killers: [PAGES_TEST],
  },
  {
    name: 'ready: an optional route that is asked for is always ready',
    file: PAGES,
    find: '=> optional && name === undefined',
    replace: '=> optional',
    killers: [PAGES_TEST],
  },
  {
    name: 'ready: ?route= asks for all routes',
    file: PAGES,
    find: 'name === undefined || route.name === name',
    replace: 'true',
    killers: [PAGES_TEST],
  },
  {
    name: 'ready: an unknown route is ready',
    file: PAGES,
    find: 'if (name !== undefined && routes.length === 0) return noSuchRoute(view, name)',
    replace: '',
    killers: [PAGES_TEST],
  },
  {
    name: 'ready: of two routes only the first is asked for',
    file: PAGES,
    find: 'if (others.length > 0)',
    replace: 'if (others.length < 0)',
    killers: [PAGES_TEST],
  },
  {
    name: 'ready: names of routes are told to who is not known',
    file: PAGES,
    find: 'if (view.isPublic) return json(404, { ready: false })',
    replace: '',
    killers: [ACCESS_TEST],
  },
  {
    name: 'ready: a path with a fragment or a space is accepted',
    file: 'services/sidecar/src/config/ready-schema.ts',
    find: "/^\\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}){0,1023}$/",
    replace: '/^\\/.*$/',
    killers: [CONFIG_TEST],
  },
  {
    name: 'blame: what is refused counts as an error of the upstream',
    file: METRICS,
    find: 'byBlame(counters).failed.map(([reason',
    replace: '[...counters.failures].map(([reason',
    killers: [METRICS_TEST],
  },
  {
    name: 'blame: errors of the upstream count as refused',
    file: METRICS,
    find: 'byBlame(counters).refused.map(([code',
    replace: '[...counters.failures].map(([code',
    killers: [METRICS_TEST],
  },
  {
    name: 'blame: a name that a client chose is an error of the upstream',
    file: COUNTERS,
    find: 'isCode ? isRefusal(code) : failure.isRefusal',
    replace: 'isRefusal(code)',
    killers: [CHOSEN_TEST, 'services/sidecar/src/observe/history.test.ts'],
  },
  {
    name: 'blame: a name that a client chose counts twice',
    file: COUNTERS,
    find: 'failed.push([code, count - (faultsOfClients.get(code) ?? 0)])',
    replace: 'failed.push([code, count])',
    killers: [CHOSEN_TEST, 'services/sidecar/src/observe/history.test.ts'],
  },
  {
    name: 'blame: a name that a client chose is not among the refused before the first',
    file: COUNTERS,
    find: "    this.faultsOfClients.set('host_unknown', this.faultsOfClients.get('host_unknown') ?? 0)\n",
    replace: '',
    killers: [CHOSEN_TEST],
  },
  {
    name: 'blame: a name that a client chose is logged as an error of the upstream',
    file: 'services/sidecar/src/relay/connect-connection.ts',
    find: 'this.#log.end(failure)',
    replace: 'this.#log.end(failure.code)',
    killers: [CHOSEN_TEST],
  },
  {
    name: 'blame: the page says that the upstream failed for a name that a client chose',
    file: 'services/sidecar/src/observe/page-route.ts',
    find: 'for (const [blame, counts] of Object.entries(byBlame(interval)))',
    replace: "for (const [blame, counts] of [['failed', interval.failures]] as const)",
    killers: [CHOSEN_TEST],
  },
  {
    name: 'blame: a dial that fails for an unknown reason counts as refused',
    file: 'shared/src/failure/failures.ts',
    find: "  'io_error',\n",
    replace: '',
    killers: ['shared/src/failure/failures.test.ts'],
  },
  {
    name: 'blame: the upstream is blamed for the time of a slow client',
    file: 'services/sidecar/src/relay/request-delivery.ts',
    find: '    moments.send()\n',
    replace: '',
    killers: [HEAD_TEST],
  },
  {
    name: 'series: each method makes its own',
    file: 'services/sidecar/src/observe/route-counters.ts',
    find: "return KNOWN_METHODS.has(method) ? method : 'other'",
    replace: 'return method',
    killers: [SERIES_TEST],
  },
  {
    name: 'blame: the time of the head is that of the whole',
    file: 'services/sidecar/src/observe/exposition.ts',
    find: 'of: ({ headLatencies }: RouteCounters) => headLatencies',
    replace: 'of: ({ latencies }: RouteCounters) => latencies',
    killers: [HEAD_TEST],
  },
  {
    name: 'blame: a switch of protocols has no head',
    file: 'services/sidecar/src/relay/response-sender.ts',
    find: '    this.#hasHead(head.status)\n    this.#client.write(copy',
    replace: '    this.#status = head.status\n    this.#client.write(copy',
    killers: [HEAD_TEST],
  },
  {
    name: 'series: each refusal makes its own',
    file: 'services/sidecar/src/observe/metric-table.ts',
    find: 'refused.map(([code, count]): Sample => [{ code }, count])',
    replace: 'refused.map(([, count]): Sample => [{ code: String(count) }, count])',
    killers: [SERIES_TEST],
  },
  {
    name: 'ready: doctor names an optional route beside one that is not',
    file: 'services/client/src/doctor/conversation.ts',
    find: 'down.filter(({ optional }) => !optional)',
    replace: 'down',
    killers: ['services/client/src/doctor/doctor-tcp.test.ts'],
  },
]
