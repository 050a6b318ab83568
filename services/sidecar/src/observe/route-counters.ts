import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, type FailureCode, isRefusal } from '@uds-sidecar/shared/failure/failures'
import { EGRESS_REASONS, type EgressReason } from '../egress/egress-denied.ts'
import { KNOWN_METHODS } from '../http1/request-line.ts'
import { PROXY_HEADER_FAILURES, type ProxyHeaderFailure } from '../proxies/proxy-header.ts'
import { RecentEvents } from './recent-events.ts'

/** Upper bounds of the histogram buckets, in seconds. Longer requests count only in `+Inf`, sum and count. */
export const LATENCY_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const

/** A histogram of durations. */
export class Latencies {
  /** One count per bucket, not cumulative; the last is for durations above all bounds. */
  readonly counts = new Float64Array(LATENCY_BOUNDS.length + 1)
  sumSeconds = 0

  observe(seconds: number): void {
    let index = 0
    while (index < LATENCY_BOUNDS.length && seconds > (LATENCY_BOUNDS[index] as number)) index++
    this.counts[index] = (this.counts[index] as number) + 1
    this.sumSeconds += seconds
  }
}

/** After the head of a response, or the 200 of a CONNECT, the connection is cut. */
const CUTS: ReadonlySet<FailureCode> = new Set(['upstream_truncated', 'sni_mismatch'])

/** The failure codes that a route counts: those with an HTTP status, and those that cut a connection. */
export const REASONS = (Object.keys(FAILURES) as FailureCode[]).filter(
  (code) => FAILURES[code].status !== null || CUTS.has(code),
)

/** An unknown method is counted as `other`: a client must not be able to make series. */
function methodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : 'other'
}

/** Callers must not be able to create any number of metric series. */
const MAX_UIDS = 32
/** The kernel does not tell the uid, or tells one that this user namespace does not map. */
const UNKNOWN_UID = 'unknown'
/** No client can have this name. */
export const ANONYMOUS = 'anonymous'
const OTHER_UIDS = 'other'

/** The counters of one route. Plain numbers, so that counting is cheap; the exposition reads them at each scrape. */
export class RouteCounters {
  connectionsOpen = 0
  connectionsTotal = 0
  /** Bytes sent to the upstream of a stream route, or through tunnels. */
  bytesSent = 0
  /** Bytes received from the upstream of a stream route, or through tunnels. */
  bytesReceived = 0
  /** Open now: responses of rules with `long`, and upgraded connections. */
  readonly tunnelsOpen = { long: 0, upgrade: 0 }
  readonly tunnelsTotal = { long: 0, upgrade: 0 }
  /** Responses by method and status. Status 499 counts requests whose client left before the response. */
  readonly responses = new Map<string, Map<number, number>>()
  readonly latencies = new Latencies()
  /** From the end of a request, as the upstream gets it, to the end of the head of its response. */
  readonly headLatencies = new Latencies()
  /** By code: what the upstream did, and what was refused; `byBlame` tells them apart. */
  readonly failures = new Map<FailureCode, number>(REASONS.map((code) => [code, 0]))
  /** Of `failures`: refused, although the code is one of the upstream. */
  readonly faultsOfClients = new Map<FailureCode, number>()
  /** For people: the last failures, and what happened to the upstream. */
  readonly recent = new RecentEvents()

  /** CONNECT requests and tunnels that were refused, by reason; empty on routes of other kinds. */
  readonly egressDenied = new Map<EgressReason, number>()

  /** Connections that were closed because of their PROXY header, by reason; empty on routes without `proxyProtocol`. */
  readonly proxyHeaderFailures = new Map<ProxyHeaderFailure, number>()

  /** Accepted connections by uid of the caller, on a Unix socket: `unknown`, at most `MAX_UIDS` uids, then `other`. */
  readonly connectionsByUid = new Map<string, number>()
  /** Requests by the client that sent them, `ANONYMOUS` for none, on a route whose rules name clients. */
  readonly requestsByClient = new Map<string, number>()
  /** Called for the first connection of each label of `connectionsByUid`. */
  onNewUid: (uid: string) => void = () => undefined

  /** @param uid of the caller on a Unix socket; null: not known, undefined: a TCP connection. */
  connected(uid: number | null | undefined): void {
    this.connectionsTotal += 1
    this.connectionsOpen += 1
    if (uid !== undefined) this.#countUid(uid === null ? UNKNOWN_UID : `${uid}`)
  }

  /** @param client null: the caller proved to be none */
  calledBy(client: string | null): void {
    const label = client ?? ANONYMOUS
    this.requestsByClient.set(label, (this.requestsByClient.get(label) ?? 0) + 1)
  }

  #countUid(uid: string): void {
    const label = this.#hasLabel(uid) ? uid : OTHER_UIDS
    const count = this.connectionsByUid.get(label) ?? 0
    this.connectionsByUid.set(label, count + 1)
    if (count === 0) this.onNewUid(label)
  }

  /** Also when the uids use all their labels, whoever is not known is never counted among the others. */
  #hasLabel(uid: string): boolean {
    if (uid === UNKNOWN_UID || this.connectionsByUid.has(uid)) return true
    const isNumber = (label: string) => label !== UNKNOWN_UID && label !== OTHER_UIDS
    return [...this.connectionsByUid.keys()].filter(isNumber).length < MAX_UIDS
  }

  /**
   * Count one request or connection that failed or was refused.
   * @param failure only its code where a connection was cut
   */
  fail(failure: Failure | FailureCode): void {
    const isCode = typeof failure === 'string'
    const code = isCode ? failure : failure.code
    const isRefused = isCode ? isRefusal(code) : failure.isRefusal
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1)
    if (isRefused && !isRefusal(code))
      this.faultsOfClients.set(code, (this.faultsOfClients.get(code) ?? 0) + 1)
    this.recent.add(failure, !isRefused)
  }

  /** The route is one of kind connect: its reasons are shown also while they are 0. */
  showEgress(): void {
    this.faultsOfClients.set('host_unknown', this.faultsOfClients.get('host_unknown') ?? 0)
    for (const reason of EGRESS_REASONS) this.egressDenied.set(reason, this.egressDenied.get(reason) ?? 0)
  }

  /** Count one CONNECT that was refused, or one tunnel that was cut. */
  deny(reason: EgressReason): void {
    this.egressDenied.set(reason, (this.egressDenied.get(reason) ?? 0) + 1)
  }

  /** The route has `proxyProtocol`: its reasons are shown also while they are 0. */
  showProxyHeaders(): void {
    for (const reason of PROXY_HEADER_FAILURES)
      this.proxyHeaderFailures.set(reason, this.proxyHeaderFailures.get(reason) ?? 0)
  }

  /** Count one connection without a valid PROXY header. */
  proxyHeaderFailed(reason: ProxyHeaderFailure): void {
    this.proxyHeaderFailures.set(reason, (this.proxyHeaderFailures.get(reason) ?? 0) + 1)
  }

  /** Count one response, `ms` milliseconds after its request head was read. Unknown methods share one label. */
  responded(method: string, status: number, ms: number): void {
    const byStatus = this.#responsesTo(methodLabel(method))
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
    this.latencies.observe(ms / 1_000)
  }

  #responsesTo(label: string): Map<number, number> {
    const known = this.responses.get(label)
    if (known !== undefined) return known
    const fresh = new Map<number, number>()
    this.responses.set(label, fresh)
    return fresh
  }
}

type Count = readonly [code: FailureCode, count: number]

/** Failures as {@link RouteCounters} has them: what the upstream did, and what was refused. */
export function byBlame({
  failures,
  faultsOfClients,
}: {
  readonly failures: ReadonlyMap<FailureCode, number>
  readonly faultsOfClients: ReadonlyMap<FailureCode, number>
}): { readonly failed: readonly Count[]; readonly refused: readonly Count[] } {
  const failed: Count[] = []
  const refused: Count[] = []
  for (const [code, count] of failures) {
    if (isRefusal(code)) refused.push([code, count])
    else failed.push([code, count - (faultsOfClients.get(code) ?? 0)])
  }
  return { failed, refused: [...refused, ...faultsOfClients] }
}
