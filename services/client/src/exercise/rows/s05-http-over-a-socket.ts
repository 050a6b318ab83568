import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { type Check, seen } from '../check.ts'
import type { Situation } from '../situation.ts'

const NOWHERE = 'no-such-host.invalid'

/** S5: HTTP over a socket; the host in the request says nothing about where it goes. */
export function httpOverASocket({ config }: Situation): Check[] {
  return [anyHost(config.api), healthy(config.api)]
}

function anyHost(endpoint: Endpoint): Check {
  return {
    row: 'S5',
    what: `GET /status with Host: ${NOWHERE}`,
    endpoint,
    expected: '200',
    async observe() {
      const { status } = await request(endpoint, { path: '/status', headers: { host: NOWHERE } })
      return seen(String(status), status === 200)
    },
  }
}

function healthy(endpoint: Endpoint): Check {
  return {
    row: 'S5',
    what: 'GET /-/healthy',
    endpoint,
    expected: '200',
    async observe() {
      const { status } = await request(endpoint, { path: '/-/healthy' })
      return seen(String(status), status === 200)
    },
  }
}
