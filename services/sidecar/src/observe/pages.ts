import { processIdentity } from '@uds-sidecar/shared/inspect/permission'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { Client } from '../config/clients-schema.ts'
import type { OperationsAccess } from '../config/config.ts'
import type { CredentialStatus } from '../identity/credentials.ts'
import { clientReports } from './client-report.ts'
import type { Exposition } from './exposition.ts'
import type { History } from './history.ts'
import { landingPage } from './landing-page.ts'
import type { Target } from './operations-access.ts'
import { contentSecurityPolicy } from './page-style.ts'
import type { Reloads } from './reloads.ts'
import { type RouteView, routeReport } from './route-report.ts'
import { type TlsStatus, tlsReport } from './tls-status.ts'

/** The state of the sidecar, as far as the operations port shows it. */
export interface OperationsView {
  routes(): readonly RouteView[]
  isDraining(): boolean
  /** The descriptor limit of the process (null: unknown), and how many descriptors all connections may need. */
  descriptors(): { readonly limit: number | null; readonly needed: number }
  readonly build: BuildInfo
  /** TLS of the operations port itself; null without it. */
  opsTls(): TlsStatus | null
  /** Who may use the operations port. */
  opsAccess(): OperationsAccess | null
  /** The files with tokens and passwords. */
  credentials(): readonly CredentialStatus[]
  /** All clients of the configuration. */
  clients(): readonly Client[]
  /** The last 15 minutes of each route. */
  readonly history: History
  readonly reloads: Reloads
}

export interface PageView extends OperationsView {
  readonly exposition: Exposition
  /** The caller is not known, and sees of a probe no more than the status. */
  readonly isPublic: boolean
}

export interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
  /** Fields of the response beside those that every page has. */
  readonly fields?: Readonly<Record<string, string>>
}

const TEXT = 'text/plain; charset=utf-8'

/**
 * The page at `path`; any other path gets a 404 that lists the pages. `/`, `/metrics`, `/routes` and `/-/ready` probe
 * the upstreams first; `/-/healthy` never does.
 */
export async function pageAt({ path, query }: Pick<Target, 'path' | 'query'>, view: PageView): Promise<Page> {
  switch (path) {
    case '/':
      return await landing(view)
    case '/metrics':
      await probe(view.routes())
      return { status: 200, type: view.exposition.contentType, body: await view.exposition.render() }
    case '/routes':
      return json(200, await overview(view))
    case '/-/healthy':
      return { status: 200, type: TEXT, body: 'healthy\n' }
    case '/-/ready':
      return await readiness(view, new URLSearchParams(query).getAll('route'))
    default:
      return {
        status: 404,
        type: TEXT,
        body: 'Not found. The pages are /, /metrics, /routes, /-/healthy and /-/ready.\n',
      }
  }
}

const htmlFields = () => ({
  'content-security-policy': contentSecurityPolicy(),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
})

async function landing(view: OperationsView): Promise<Page> {
  await probe(view.routes())
  const opsTls = view.opsTls()
  const credentials = view.credentials()
  const body = landingPage({
    build: view.build,
    isDraining: view.isDraining(),
    routes: view.routes().map((route) => ({
      report: routeReport(route, credentials),
      intervals: view.history.of(route),
      recent: route.counters.recent,
    })),
    opsTls: opsTls && tlsReport(opsTls),
    clients: clientReports(view.clients(), credentials),
    lastReload: view.reloads.last,
  })
  return { status: 200, type: 'text/html; charset=utf-8', body, fields: htmlFields() }
}

/** @param asked names of routes: none asks for all that are not optional, one for that route. */
async function readiness(view: PageView, asked: readonly string[]): Promise<Page> {
  const [name, ...others] = asked
  if (others.length > 0) return { status: 400, type: TEXT, body: 'Name one route: /-/ready?route=NAME\n' }
  const routes = view.routes().filter(({ route }) => name === undefined || route.name === name)
  if (name !== undefined && routes.length === 0) return noSuchRoute(view, name)
  if (view.isDraining())
    return json(503, view.isPublic ? { ready: false } : { ready: false, reason: 'draining' })
  await probe(routes)
  const down = routes.flatMap(({ route, upstream }) => {
    if (upstream === null || upstream.state.up === true) return []
    const code = upstream.state.lastFailure?.code ?? null
    return [{ route: route.name, code, optional: route.optional }]
  })
  const isReady = down.every(({ optional }) => optional && name === undefined)
  if (view.isPublic) return json(isReady ? 200 : 503, { ready: isReady })
  return json(isReady ? 200 : 503, { ready: isReady, down })
}

/** Who is not known learns only that there is none. */
function noSuchRoute(view: PageView, name: string): Page {
  if (view.isPublic) return json(404, { ready: false })
  const known = view.routes().map(({ route }) => route.name)
  return json(404, { ready: false, reason: `there is no route ${JSON.stringify(name)}`, routes: known })
}

async function overview(view: OperationsView) {
  const { uid, gids } = processIdentity()
  const opsTls = view.opsTls()
  const { limit, needed } = view.descriptors()
  const descriptors = { limit: limit === Number.POSITIVE_INFINITY ? null : limit, needed }
  return {
    draining: view.isDraining(),
    process: { uid, groups: gids, descriptors },
    ops: { tls: opsTls && tlsReport(opsTls), ...opsReport(view) },
    lastReload: view.reloads.last,
    routes: await reports(view),
  }
}

function opsReport(view: OperationsView) {
  const access = view.opsAccess()
  return {
    hosts: access?.hosts ?? null,
    for: access?.for ?? null,
    clients: clientReports(access?.clients ?? [], view.credentials()),
  }
}

async function reports(view: OperationsView) {
  await probe(view.routes())
  return view.routes().map((route) => routeReport(route, view.credentials()))
}

/** Resolves within the longest connect timeout or `ready.within` of the routes. Concurrent requests share the probes. */
async function probe(routes: readonly RouteView[]): Promise<void> {
  await Promise.all(routes.map(({ upstream }) => upstream?.probe()))
}

function json(status: number, value: unknown): Page {
  return { status, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` }
}
