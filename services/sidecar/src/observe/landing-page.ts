import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { RouteReport } from './route-report.ts'

/** The page at `/` of the operations port: HTML without scripts, which the browser reloads every 5 s. */
export function landingPage(routes: readonly RouteReport[], build: BuildInfo): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>uds-sidecar</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>uds-sidecar</h1><p>version ${escapeHtml(build.version)}, revision ${escapeHtml(build.revision)}</p></header>
<main>
${routes.map(routeCard).join('\n')}
</main>
<nav><a href="/metrics">metrics</a> <a href="/-/ready">ready</a> <a href="/-/healthy">healthy</a> <a href="/routes">routes (JSON)</a></nav>
</body>
</html>
`
}

function routeCard(report: RouteReport): string {
  const {
    name,
    kind,
    listen,
    replaced,
    upstream,
    allow,
    state,
    since,
    generation,
    connections,
    maxConnections,
    socket,
    lastError,
    tls,
    upstreamTls,
    credentials,
    ready,
    optional,
  } = report
  const rows: (readonly [string, string])[] = [
    ['listens on', replaced ? `${listen}, where another server took over` : listen],
    ...(tls === null
      ? []
      : ([['certificate', `${tls.subject}, expires ${tls.expires}`]] as [string, string][])),
    ...(tls === null || tls.lastError === null
      ? []
      : ([['new certificate refused', `${tls.lastError.detail}: ${tls.lastError.hint}`]] as [
          string,
          string,
        ][])),
    ...(tls?.clientCa?.lastError == null
      ? []
      : ([['new client CA refused', `${tls.clientCa.lastError.detail}: ${tls.clientCa.lastError.hint}`]] as [
          string,
          string,
        ][])),
    ['upstream', upstream ?? `${allow?.length ?? 0} hosts: ${allow?.join(', ') ?? ''}`],
    ...(upstream === null ? [] : [['ready when', readyText(ready)] as const]),
    ...(upstream === null || upstream.startsWith('tcp:') ? [] : socketRows(socket, generation)),
    ...(upstreamTls === null ? [] : [['upstream TLS', upstreamTlsText(upstreamTls)] as const]),
    ...(credentials === null ? [] : [['credentials', Object.keys(credentials.fields).join(', ')] as const]),
    ...[upstreamTls?.lastError, credentials?.lastError].flatMap((error) =>
      error == null ? [] : [['new file refused', `${error.detail}: ${error.hint}`] as const],
    ),
    ['connections', `${connections} of ${maxConnections}`],
    ...(lastError === null
      ? []
      : ([
          ['last error', `${lastError.code}: ${lastError.detail} (${lastError.at})`],
          ['what to do', lastError.hint],
        ] as [string, string][])),
  ]
  return `<section class="${state}">
<h2>${escapeHtml(name)} <small>${kind}${optional ? ', optional' : ''}</small> <strong>${state}</strong> <small>since <time>${since}</time></small></h2>
<dl>${rows.map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(text)}</dd>`).join('')}</dl>
</section>`
}

function socketRows(socket: RouteReport['socket'], generation: number): [string, string][] {
  const text =
    socket === null
      ? 'no file at the path'
      : `${socket.kind}, mode ${socket.mode}, owner ${socket.uid}:${socket.gid}`
  return [
    ['socket', text],
    ['generation', `${generation}`],
  ]
}

function readyText(ready: RouteReport['ready']): string {
  if (ready === null) return 'it accepts a connection'
  return `GET ${ready.get} is 2xx within ${ready.within}, asked every ${ready.every}`
}

function upstreamTlsText({ serverName, peer }: NonNullable<RouteReport['upstreamTls']>): string {
  if (peer === null) return `${serverName}, not verified yet`
  return `${serverName}, ${peer.protocol}, certificate expires ${peer.expires}`
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --up: #1a7f37; --down: #c4320a; --unknown: #888 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
header { display: flex; align-items: baseline; gap: 1rem; flex-wrap: wrap }
h1, h2, p { margin: 0 }
header p, small, dt { color: #888; font-weight: normal }
section { border: 1px solid var(--line); border-left: .4rem solid var(--unknown); border-radius: .4rem; padding: 1rem; margin: 1rem 0 }
section.up { border-left-color: var(--up) } section.down { border-left-color: var(--down) }
h2 { font-size: 1.1rem } .up strong { color: var(--up) } .down strong { color: var(--down) }
dl { display: grid; grid-template-columns: 8rem 1fr; gap: .2rem 1rem; margin: .7rem 0 0 }
dd { margin: 0; font-family: ui-monospace, monospace; font-size: .9rem; overflow-wrap: anywhere }
nav { display: flex; gap: 1.5rem }
`
