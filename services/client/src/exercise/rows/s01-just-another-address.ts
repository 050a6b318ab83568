import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { requestJson } from '../../http/request-json.ts'
import { statusSchema } from '../../http/status-schema.ts'
import { type Check, seen } from '../check.ts'
import type { Situation } from '../situation.ts'

/** S1: the same client code over a socket and over TCP reaches the same process. */
export function justAnotherAddress({ config, status }: Situation): Check[] {
  const expected = status === undefined ? 'an answer' : `200, ${status.name} with pid ${status.pid}`
  return [ask(config.api, expected), ask(config.tcpApi, expected)]
}

function ask(endpoint: Endpoint, expected: string): Check {
  return {
    row: 'S1',
    what: 'GET /status',
    endpoint,
    expected,
    async observe() {
      const { name, pid } = await requestJson(endpoint, statusSchema, { path: '/status' })
      const observed = `200, ${name} with pid ${pid}`
      return seen(observed, observed === expected)
    },
  }
}
