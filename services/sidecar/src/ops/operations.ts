import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { processIdentity } from '@uds-sidecar/shared/inspect/process-identity'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { listen } from '@uds-sidecar/shared/listen/listen'
import type { Listener } from '@uds-sidecar/shared/listen/listener'
import type { Exposition } from '../metrics/exposition.ts'
import type { RouteView } from '../sidecar/route-view.ts'
import { landingPage } from './landing-page.ts'
import { probeAll } from './probe-all.ts'
import { routeReport } from './route-report.ts'

/** What the operations port shows. */
export interface OperationsView {
  routes(): readonly RouteView[]
  isDraining(): boolean
  readonly build: BuildInfo
  readonly exposition: Exposition
}

interface Answer {
  readonly status?: number
  readonly type: string
  readonly body: string
}

type Page = (view: OperationsView) => Answer | Promise<Answer>

const PAGES: Readonly<Record<string, Page>> = {
  '/': async (view) => ({
    type: 'text/html; charset=utf-8',
    body: landingPage(await reports(view), view.build),
  }),
  '/metrics': async ({ exposition, routes }) => {
    await probeAll(routes())
    return { type: exposition.contentType, body: await exposition.render() }
  },
  '/routes': async (view) => json(200, await overview(view)),
  '/-/healthy': () => ({ type: 'text/plain; charset=utf-8', body: 'healthy\n' }),
  '/-/ready': ready,
}

/** Serves the operations port; closed, it lets requests that are under way finish. */
export async function startOperations(endpoint: Endpoint, view: OperationsView): Promise<Listener> {
  const server = createServer((request, response) => void answer(view, request, response))
  return await listen(server, endpoint, { drainMs: 1_000 })
}

async function answer(
  view: OperationsView,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const page = PAGES[new URL(request.url ?? '/', 'http://localhost').pathname]
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const {
    status = 200,
    type,
    body,
  } = !isRead
    ? { status: 405, type: 'text/plain', body: 'only GET and HEAD\n' }
    : page === undefined
      ? { status: 404, type: 'text/plain', body: `there is ${Object.keys(PAGES).join(', ')}\n` }
      : await page(view)
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(isRead ? {} : { allow: 'GET, HEAD' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function ready(view: OperationsView): Promise<Answer> {
  if (view.isDraining()) return json(503, { ready: false, reason: 'draining' })
  await probeAll(view.routes())
  const down = view.routes().filter(({ upstream }) => upstream.state.up !== true)
  const reasons = down.map(({ route, upstream }) => ({
    route: route.name,
    code: upstream.state.lastFailure?.code,
  }))
  return json(down.length === 0 ? 200 : 503, { ready: down.length === 0, down: reasons })
}

async function overview(view: OperationsView) {
  const { uid, gids } = processIdentity()
  return { draining: view.isDraining(), process: { uid, groups: gids }, routes: await reports(view) }
}

async function reports(view: OperationsView) {
  await probeAll(view.routes())
  return view.routes().map(routeReport)
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` }
}
