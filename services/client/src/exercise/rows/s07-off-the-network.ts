import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { problemIn } from '../../http/problem-in.ts'
import { routeBehind } from '../../http/route-behind.ts'
import { type Check, notShown, seen } from '../check.ts'
import type { Situation } from '../situation.ts'

/** S7: of a service without a network, the sidecar shows what its allow list says and nothing else. */
export function offTheNetwork(situation: Situation): Check[] {
  const { ops, tcpMetrics, tcpApi } = situation.config
  return [
    answers(ops, '/-/healthy'),
    answers(ops, '/-/ready'),
    scrape(tcpMetrics),
    forbidden(situation, tcpMetrics, { method: 'GET', path: '/status' }, '403 path_not_allowed'),
    forbidden(situation, tcpMetrics, { method: 'POST', path: '/metrics' }, '405 method_not_allowed'),
    forbidden(situation, tcpApi, { method: 'GET', path: '/not-listed' }, '403 path_not_allowed'),
  ]
}

function answers(endpoint: Endpoint, path: string): Check {
  return {
    row: 'S7',
    what: `sidecar: GET ${path}`,
    endpoint,
    expected: '200',
    async observe() {
      const { status } = await request(endpoint, { path })
      return seen(String(status), status === 200)
    },
  }
}

function scrape(endpoint: Endpoint): Check {
  return {
    row: 'S7',
    what: "GET /metrics, the app's, through the sidecar",
    endpoint,
    expected: '200 with app_build_info',
    async observe() {
      const { status, body } = await request(endpoint, { path: '/metrics' })
      const has = /^app_build_info\{/m.test(body.toString())
      return seen(`${status} ${has ? 'with' : 'without'} app_build_info`, status === 200 && has)
    },
  }
}

type Asked = { readonly method: string; readonly path: string }

function forbidden({ routes }: Situation, endpoint: Endpoint, asked: Asked, expected: string): Check {
  return {
    row: 'S7',
    what: `${asked.method} ${asked.path}, not on the allow list`,
    endpoint,
    expected,
    async observe() {
      const route = routeBehind(routes ?? [], endpoint)
      if (route?.kind === 'stream') return notShown(`route ${route.name} relays a stream: no allow list`)
      const response = await request(endpoint, asked)
      const observed = `${response.status} ${problemIn(response)?.code ?? 'without a problem code'}`
      return seen(observed, observed === expected)
    },
  }
}
