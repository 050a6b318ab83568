import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { requestJson } from '../../http/request-json.ts'
import { statusSchema } from '../../http/status-schema.ts'
import { type Check, seen } from '../check.ts'
import type { Situation } from '../situation.ts'

/** S8: the app reaches Redis over Redis's own socket, and says so. */
export function redis({ config, expectRedis }: Situation): Check[] {
  return [config.api, config.tcpApi].map((endpoint) => ask(endpoint, expectRedis))
}

function ask(endpoint: Endpoint, expectRedis: 'up' | 'down'): Check {
  return {
    row: 'S8',
    what: "the app's word on its Redis",
    endpoint,
    expected: `redis ${expectRedis}`,
    async observe() {
      const status = await requestJson(endpoint, statusSchema, { path: '/status' })
      return seen(`redis ${status.redis}`, status.redis === expectRedis)
    },
  }
}
