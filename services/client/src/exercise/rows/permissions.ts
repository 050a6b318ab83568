import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { formatMode, inspectFile } from '@uds-sidecar/shared/inspect/file-facts'
import { bypassesMode, processIdentity } from '@uds-sidecar/shared/inspect/permission'
import type { Access } from '../../access/access.ts'
import { problemIn, requestJson } from '../../http/request-json.ts'
import { quoteSchema, routeBehind } from '../../http/schemas.ts'
import {
  type Check,
  expectOkStatus,
  notShown,
  type Observation,
  refusal,
  type Situation,
  seen,
} from '../check.ts'

/**
 * Why file permissions cannot deny this process the socket; undefined if they can. Looks at the identity of the process
 * and not at the mode: a mode that is too wide must not count as a reason.
 */
export async function whyPermitted(endpoint: Endpoint, { groupCounts }: { groupCounts: boolean }) {
  if (endpoint.kind !== 'unix') return 'only socket files have permissions'
  const who = processIdentity()
  const { facts } = await inspectFile(endpoint.path)
  if (facts === null ? who.bypassesPermissions : bypassesMode(facts, who))
    return `uid ${who.uid} may bypass them (CAP_DAC_OVERRIDE)`
  if (facts === null) return undefined
  if (facts.uid === who.uid) return `uid ${who.uid} owns it`
  return groupCounts && who.gids.includes(facts.gid) ? `we are in its group, ${facts.gid}` : undefined
}

/** S4: permissions of the file and of its directory decide who may connect. */
export function permissions({ config }: Situation): Check[] {
  return [
    mode(config.api, '0660'),
    mode(config.admin, '0600'),
    denied(config.admin, 'connect: only its owner may', { groupCounts: false }),
    denied(config.metrics, 'connect: only its group may', { groupCounts: true }),
  ]
}

function mode(endpoint: Endpoint, expected: string): Check {
  return {
    row: 'S4',
    what: 'read its file mode',
    endpoint,
    expected,
    observe: async () =>
      endpoint.kind === 'unix' ? modeAt(endpoint.path, expected) : notShown('it has no file'),
  }
}

async function modeAt(path: string, expected: string): Promise<Observation> {
  const { facts, errno } = await inspectFile(path)
  const observed = facts === null ? `${errno}` : formatMode(facts.mode)
  return seen(observed, observed === expected)
}

function denied(endpoint: Endpoint, what: string, options: { groupCounts: boolean }): Check {
  return {
    row: 'S4',
    what,
    endpoint,
    expected: 'socket_denied',
    async observe() {
      const reason = await whyPermitted(endpoint, options)
      if (reason !== undefined) return notShown(`nothing to refuse here: ${reason}`)
      return refusal('socket_denied', async () => (await dial(endpoint)).destroy())
    },
  }
}

/** S7: the sidecar exposes what its allow list permits of a service without a network, and nothing else. */
export function offTheNetwork(situation: Situation): Check[] {
  const { config, access } = situation
  const { ops, tcpMetrics, tcpApi } = config
  return [
    ...['/-/healthy', '/-/ready'].map((path) =>
      expectOkStatus({ row: 'S7', endpoint: ops, what: `sidecar: GET ${path}`, path, access }),
    ),
    scrape(tcpMetrics, access),
    forbidden(situation, tcpMetrics, { method: 'GET', path: '/status' }, '403 path_not_allowed'),
    forbidden(situation, tcpMetrics, { method: 'POST', path: '/metrics' }, '405 method_not_allowed'),
    forbidden(situation, tcpApi, { method: 'GET', path: '/not-listed' }, '403 path_not_allowed'),
    wayOut(situation),
  ]
}

/** The app reaches a partner on another network through a socket of the sidecar. */
function wayOut({ config, routes, access }: Situation): Check {
  return {
    row: 'S7',
    what: 'GET /quote, which the app asks a partner for',
    endpoint: config.tcpApi,
    expected: '200 with a quote',
    async observe() {
      const hasWayOut = routes?.some(({ upstream }) => upstream?.startsWith('tcp:')) ?? true
      if (!hasWayOut) return notShown('this sidecar has no route to a partner')
      const { quote } = await requestJson(config.tcpApi, quoteSchema, {
        ...access(config.tcpApi),
        path: '/quote',
      })
      return seen('200 with a quote', quote !== '')
    },
  }
}

function scrape(endpoint: Endpoint, access: Access): Check {
  return {
    row: 'S7',
    what: 'GET /metrics of the app, through the sidecar',
    endpoint,
    expected: '200 with app_build_info',
    async observe() {
      const { status, body } = await request(endpoint, { ...access(endpoint), path: '/metrics' })
      const has = /^app_build_info\{/m.test(body.toString())
      return seen(`${status} ${has ? 'with' : 'without'} app_build_info`, status === 200 && has)
    },
  }
}

type Sent = { readonly method: string; readonly path: string }

function forbidden({ routes, access }: Situation, endpoint: Endpoint, asked: Sent, expected: string): Check {
  return {
    row: 'S7',
    what: `${asked.method} ${asked.path}, not on the allow list`,
    endpoint,
    expected,
    async observe() {
      const route = routeBehind(routes ?? [], endpoint)
      if (route?.kind === 'stream') return notShown(`route ${route.name} relays a stream: no allow list`)
      const response = await request(endpoint, { ...access(endpoint), ...asked })
      const observed = `${response.status} ${problemIn(response)?.code ?? 'without a problem code'}`
      return seen(observed, observed === expected)
    },
  }
}
