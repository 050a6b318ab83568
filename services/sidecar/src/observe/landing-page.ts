import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { clientReports } from './client-report.ts'
import { escapeHtml, table, timeElement } from './page-html.ts'
import { type RouteSection, routeSection } from './page-route.ts'
import { STYLE } from './page-style.ts'
import type { Reload } from './reloads.ts'
import type { RouteReport } from './route-report.ts'
import type { tlsReport } from './tls-status.ts'

const DAY_MS = 86_400_000

export interface LandingPage {
  readonly build: BuildInfo
  readonly isDraining: boolean
  readonly routes: readonly RouteSection[]
  /** TLS of the operations port; null without it. */
  readonly opsTls: ReturnType<typeof tlsReport> | null
  /** All clients of the configuration. */
  readonly clients: ReturnType<typeof clientReports>
  /** Null before the first one. */
  readonly lastReload: Reload | null
}

/**
 * The page at `/` of the operations port, where an operator looks first: HTML and inline SVG without scripts, which the
 * browser reloads every 5 s.
 */
export function landingPage(page: LandingPage): string {
  const { build, routes } = page
  const reports = routes.map(({ report }) => report)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${titleOf(page)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header><h1>uds-sidecar</h1><p>version ${escapeHtml(build.version)}, revision ${escapeHtml(build.revision)}</p>
<nav><a href="/metrics">metrics</a> <a href="/-/ready">ready</a> <a href="/-/healthy">healthy</a> <a href="/routes">routes (JSON)</a></nav></header>
<main>
<section class="${down(page).length === 0 ? 'up' : 'down'}"><h2>${escapeHtml(verdict(page))}</h2>
${table(['route', 'state', 'listens on', 'upstream', 'connections'], reports.map(summary))}
</section>
${routes.map(routeSection).join('\n')}
${certificates(page)}${clients(page)}${reload(page.lastReload)}
</main>
</body>
</html>
`
}

function down({ routes }: LandingPage): string[] {
  return routes.flatMap(({ report: { name, state } }) => (state === 'down' ? [name] : []))
}

function titleOf(page: LandingPage): string {
  const count = down(page).length
  return count === 0 ? 'uds-sidecar' : `▼ ${count} down: uds-sidecar`
}

function verdict(page: LandingPage): string {
  if (page.isDraining) return 'Draining: the sidecar is shutting down'
  const names = down(page)
  return names.length === 0 ? '▲ No route is down' : `▼ Down: ${names.join(', ')}`
}

function summary({ name, state, listen, upstream, connections }: RouteReport): string[] {
  const sign = { up: '▲', down: '▼', unknown: '?' }[state]
  return [
    `<a href="#route-${name}">${escapeHtml(name)}</a>`,
    `<span class="${state}">${sign} ${state}</span>`,
    escapeHtml(listen),
    escapeHtml(upstream ?? 'the hosts that allow names'),
    `${connections}`,
  ]
}

function certificates({ routes, opsTls }: LandingPage): string {
  const rows = [
    ...(opsTls === null ? [] : certificateRows('operations port', opsTls)),
    ...routes.flatMap(({ report: { name, tls, upstreamTls } }) => [
      ...(tls === null ? [] : certificateRows(`${name}, listener`, tls)),
      ...(upstreamTls === null ? [] : upstreamRows(name, upstreamTls)),
    ]),
  ]
  if (rows.length === 0) return ''
  return section('Certificates', table(['where', 'whose', 'days left', 'expires'], rows))
}

function certificateRows(where: string, tls: NonNullable<RouteReport['tls']>): string[][] {
  const { clientCa } = tls
  return [
    certificateRow(where, tls.subject, tls.expires),
    ...(clientCa === null
      ? []
      : [certificateRow(`${where}, CA of its clients`, clientCa.file, clientCa.expires)]),
  ]
}

function upstreamRows(
  name: string,
  { serverName, subject, expires, peer }: NonNullable<RouteReport['upstreamTls']>,
) {
  return [
    ...(peer === null
      ? []
      : [certificateRow(`${name}, upstream`, `${serverName}: ${peer.subject}`, peer.expires)]),
    ...(expires === null
      ? []
      : [certificateRow(`${name}, presented to the upstream`, subject ?? '', expires)]),
  ]
}

function certificateRow(where: string, whose: string, expires: string): string[] {
  const days = Math.floor((Date.parse(expires) - Date.now()) / DAY_MS)
  const text = days < 0 ? `<strong class="down">▼ expired</strong>` : `${days}`
  return [escapeHtml(where), escapeHtml(whose), text, `<time>${expires}</time>`]
}

function clients({ clients }: LandingPage): string {
  if (clients.length === 0) return ''
  const rows = clients.map((client) => [
    escapeHtml(client.name),
    client.kind,
    escapeHtml(proofOf(client)),
    'lastError' in client && client.lastError !== null
      ? `<strong class="down">▼ new file refused</strong> ${escapeHtml(`${client.lastError.detail}: ${client.lastError.hint}`)}`
      : '',
  ])
  return section('Clients', table(['name', 'known by', 'from', 'problem'], rows))
}

function proofOf(client: LandingPage['clients'][number]): string {
  switch (client.kind) {
    case 'token':
    case 'basic':
      return client.file
    case 'certificate':
      return client.pattern
    case 'uid':
      return `${client.uid}`
    case 'gid':
      return `${client.gid}`
  }
}

function reload(last: Reload | null): string {
  if (last === null) return ''
  const { at, refused, changes } = last
  const outcome =
    refused === null
      ? `at ${timeElement(at)}: ${changes.length === 0 ? 'nothing changed' : ''}`
      : `at ${timeElement(at)} <strong class="down">▼ refused, the old configuration stays active</strong>: ${escapeHtml(refused)}`
  const list = changes.map((each) => `<li>${escapeHtml(each)}</li>`).join('')
  return section('Last reload', `<p>${outcome}</p><ul>${list}</ul>`)
}

function section(title: string, content: string): string {
  return `<section><h2>${title}</h2>${content}</section>\n`
}
