import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { problemIn } from '../../http/problem-in.ts'
import { requestJson } from '../../http/request-json.ts'
import { visitsSchema } from '../../http/visits-schema.ts'
import { type Check, seen } from '../check.ts'
import type { Situation } from '../situation.ts'

/** S6: one set of handlers behind both; a visit made over TCP is counted on top of one made over the socket. */
export function oneSetOfHandlers({ config, expectRedis }: Situation): Check[] {
  const both = [config.api, config.tcpApi]
  return expectRedis === 'down' ? both.map(visitWithoutRedis) : countedTogether(both)
}

function countedTogether(endpoints: readonly Endpoint[]): Check[] {
  let before = 0
  return endpoints.map((endpoint, i) => ({
    row: 'S6',
    what: 'POST /visits',
    endpoint,
    expected: i === 0 ? 'a number' : 'a higher number',
    async observe() {
      const { visits } = await requestJson(endpoint, visitsSchema, { method: 'POST', path: '/visits' })
      const higher = visits > before
      before = visits
      return seen(`visits: ${visits}`, higher)
    },
  }))
}

function visitWithoutRedis(endpoint: Endpoint): Check {
  return {
    row: 'S6',
    what: 'POST /visits while Redis is down',
    endpoint,
    expected: '503 with a problem body',
    async observe() {
      const response = await request(endpoint, { method: 'POST', path: '/visits' })
      const problem = problemIn(response)
      const body = problem === undefined ? 'no problem body' : `problem ${problem.code ?? 'without code'}`
      return seen(`${response.status}, ${body}`, response.status === 503 && problem !== undefined)
    },
  }
}
