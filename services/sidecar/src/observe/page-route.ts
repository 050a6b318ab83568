import { blame, INTERVAL_MS, INTERVALS_KEPT, type Interval } from './history.ts'
import { chart, classOf, type Line, SIGNS, type Span } from './page-chart.ts'
import { escapeHtml, table, timeElement } from './page-html.ts'
import type { RecentChange, RecentEvents, RecentFailure } from './recent-events.ts'
import { byBlame, LATENCY_BOUNDS } from './route-counters.ts'
import type { RouteReport } from './route-report.ts'

export interface RouteSection {
  readonly report: RouteReport
  /** Oldest first; the last one runs now. */
  readonly intervals: readonly Interval[]
  readonly recent: RecentEvents
}

/** One route: its state, its last 15 minutes as charts, and its last changes and failures. */
export function routeSection({ report, intervals, recent }: RouteSection): string {
  const { name, kind, state, since, optional } = report
  return `<section class="${state}" id="route-${name}">
<h2>${escapeHtml(name)} <small>${kind}${optional ? ', optional' : ''}</small> <strong>${stateText(report)}</strong> <small>since <time>${since}</time></small></h2>
<div class="charts">${charts(report, intervals, recent.changes).join('\n')}</div>
<dl>${factsOf(report)
    .map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(text)}</dd>`)
    .join('')}</dl>
${codes(intervals)}${failures('Last failures of the upstream', recent.failed)}${failures('Last refused', recent.refused)}${changes(recent.changes)}
</section>`
}

const STATE_SIGNS = { up: '▲', down: '▼', unknown: '?' } as const

function stateText({ state }: RouteReport): string {
  return `${STATE_SIGNS[state]} ${state}`
}

function factsOf(report: RouteReport): (readonly [term: string, text: string])[] {
  const { listen, replaced, upstream, allow, generation, connections, maxConnections, socket } = report
  const { lastError, tls, upstreamTls, credentials } = report
  const hosts = `${allow?.length ?? 0} hosts: ${allow?.join(', ') ?? ''}`
  const refused = [
    ['new certificate refused', tls],
    ['new client CA refused', tls?.clientCa],
    ['new file refused', upstreamTls],
    ['new file refused', credentials],
  ] as const
  return [
    ['listens on', replaced ? `${listen}, where another server took over` : listen],
    ['upstream', upstream ?? hosts],
    ...(upstream === null ? [] : [['ready when', readyText(report.ready)] as const]),
    ...(upstream?.startsWith('unix:') ? socketFacts(socket, generation) : []),
    ...(upstreamTls === null ? [] : [['upstream TLS', upstreamTlsText(upstreamTls)] as const]),
    ...(credentials === null ? [] : [['credentials', Object.keys(credentials.fields).join(', ')] as const]),
    ...refused.flatMap(([what, files]) =>
      files?.lastError == null ? [] : [[what, `${files.lastError.detail}: ${files.lastError.hint}`] as const],
    ),
    ['connections', `${connections} of ${maxConnections}`],
    ...(lastError === null
      ? []
      : ([
          ['last error', `${lastError.code}: ${lastError.detail} (${lastError.at})`],
          ['what to do', lastError.hint],
        ] as const)),
  ]
}

function readyText(ready: RouteReport['ready']): string {
  if (ready === null) return 'it accepts a connection'
  return `GET ${ready.get} is 2xx within ${ready.within}, asked every ${ready.every}`
}

function socketFacts(socket: RouteReport['socket'], generation: number): [string, string][] {
  const text =
    socket === null
      ? 'no file at the path'
      : `${socket.kind}, mode ${socket.mode}, owner ${socket.uid}:${socket.gid}`
  return [
    ['socket', text],
    ['generation', `${generation}`],
  ]
}

function upstreamTlsText({ serverName, peer }: NonNullable<RouteReport['upstreamTls']>): string {
  if (peer === null) return `${serverName}, not verified yet`
  return `${serverName}, ${peer.protocol}, certificate expires ${peer.expires}`
}

function charts(
  { kind }: RouteReport,
  intervals: readonly Interval[],
  changes: readonly RecentChange[],
): string[] {
  const toMs = intervals.at(-1)?.endMs ?? 0
  const time = { fromMs: toMs - INTERVALS_KEPT * INTERVAL_MS, toMs, changes }
  const spans = (value: (interval: Interval) => number | null): Span[] =>
    intervals.map((each) => ({ startMs: each.startMs, endMs: each.endMs, value: value(each) }))
  const line = (name: string, style: Line['style'], value: (interval: Interval) => number | null) => ({
    name,
    style,
    spans: spans(value),
  })
  const isHttp = kind === 'http'
  const rate = line('', 'solid', (each) => perSecond(each.requests, each))
  const failed = line('failed', 'bars', (each) => blame(each).failed)
  const refused = line('refused', 'outlined', (each) => blame(each).refused)
  const latencies = [line('p99', 'dashed', ({ p99 }) => p99), line('p50', 'solid', ({ p50 }) => p50)]
  return [
    chart({
      ...time,
      title: `${kind === 'stream' ? 'connections' : 'requests'}/s`,
      unit: amount,
      lines: [rate],
    }),
    chart({ ...time, title: 'failures', unit: amount, lines: [failed, refused] }),
    ...(isHttp ? [chart({ ...time, title: 'time', unit: duration, lines: latencies })] : []),
    chart({
      ...time,
      title: 'open connections',
      unit: amount,
      lines: [line('', 'solid', (each) => each.connections)],
    }),
  ]
}

/** An interval that has only begun would show a single request as a high rate. */
function perSecond(count: number, { startMs, endMs }: Interval): number {
  return count / Math.max(1, (endMs - startMs) / 1_000)
}

function amount(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value < 1 ? 2 : 1)
}

function duration(seconds: number): string {
  if (seconds >= (LATENCY_BOUNDS.at(-1) ?? 0)) return `${seconds} s or more`
  return seconds >= 1 ? `${seconds.toFixed(1)} s` : `${Number((seconds * 1_000).toPrecision(2))} ms`
}

/** The failures of the charts by code: readable without colour. */
function codes(intervals: readonly Interval[]): string {
  const sums = new Map<string, { code: string; blame: string; count: number }>()
  for (const interval of intervals)
    for (const [blame, counts] of Object.entries(byBlame(interval)))
      for (const [code, count] of counts) {
        const sum = sums.get(`${blame} ${code}`) ?? { code, blame, count: 0 }
        sum.count += count
        sums.set(`${blame} ${code}`, sum)
      }
  const texts = [...sums.values()]
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count)
    .map(({ code, blame, count }) => `${code} ${count} <small>${blame}</small>`)
  if (texts.length === 0) return ''
  return `<p class="codes">Failures of the last 15 minutes by code: ${texts.join(', ')}</p>`
}

function changes(recent: readonly RecentChange[]): string {
  if (recent.length === 0) return ''
  const rows = recent
    .toReversed()
    .map(({ at, change, detail }) => [
      timeElement(at),
      `<span class="${classOf(change)}">${SIGNS[change]}</span> ${change}`,
      escapeHtml(detail),
    ])
  return details(`Changes (${recent.length})`, table(['time', 'change', 'detail'], rows))
}

function failures(what: string, recent: readonly RecentFailure[]): string {
  if (recent.length === 0) return ''
  const rows = recent
    .toReversed()
    .map(({ at, code, detail, hint }) => [
      timeElement(at),
      `<code>${code}</code>`,
      escapeHtml(detail),
      escapeHtml(hint),
    ])
  return details(`${what} (${recent.length})`, table(['time', 'code', 'what happened', 'what to do'], rows))
}

function details(summary: string, content: string): string {
  return `<details open><summary>${summary}</summary>${content}</details>`
}
