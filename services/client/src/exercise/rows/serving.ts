import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import type { Access } from '../../access/access.ts'
import { dialogue } from '../../echo/dialogue.ts'
import { problemIn, requestJson } from '../../http/request-json.ts'
import { statusSchema, visitsSchema } from '../../http/schemas.ts'
import { type Check, expectOkStatus, type Situation, seen } from '../check.ts'

/** S1: the same client code over a socket and over TCP reaches the same process. */
export function sameProcess({ config, status, access }: Situation): Check[] {
  const expected = status === undefined ? 'a response' : `200, ${status.name} with pid ${status.pid}`
  return [ask(config.api, expected, access), ask(config.tcpApi, expected, access)]
}

function ask(endpoint: Endpoint, expected: string, access: Access): Check {
  return {
    row: 'S1',
    what: 'GET /status',
    endpoint,
    expected,
    async observe() {
      const { name, pid } = await requestJson(endpoint, statusSchema, {
        ...access(endpoint),
        path: '/status',
      })
      const observed = `200, ${name} with pid ${pid}`
      return seen(observed, observed === expected)
    },
  }
}

const CONNECTIONS = 16

/** S3: a line protocol, with a separate handler for each connection. */
export function echo({ config, access }: Situation): Check[] {
  return [config.echo, config.tcpEcho].flatMap((endpoint) => [
    ping(endpoint, access),
    atOnce(endpoint, access),
  ])
}

function ping(endpoint: Endpoint, access: Access): Check {
  return {
    row: 'S3',
    what: 'send "ping"',
    endpoint,
    expected: 'echo: ping',
    async observe() {
      const [line = 'nothing'] = await dialogue(endpoint, ['ping'], undefined, access(endpoint).tls)
      return seen(line, line === 'echo: ping')
    },
  }
}

function atOnce(endpoint: Endpoint, access: Access): Check {
  return {
    row: 'S3',
    what: `${CONNECTIONS} connections at once, 2 lines each`,
    endpoint,
    expected: 'each its own responses',
    async observe() {
      const numbers = Array.from({ length: CONNECTIONS }, (_, i) => i)
      const right = await Promise.all(numbers.map((i) => getsItsOwn(endpoint, i, access)))
      const count = right.filter(Boolean).length
      return seen(
        count === CONNECTIONS ? 'each its own responses' : `${count} of ${CONNECTIONS}`,
        count === CONNECTIONS,
      )
    },
  }
}

async function getsItsOwn(endpoint: Endpoint, i: number, access: Access): Promise<boolean> {
  const lines = [`connection ${i} line 1`, `connection ${i} line 2`]
  const responses = await dialogue(endpoint, lines, undefined, access(endpoint).tls)
  return responses.every((response, j) => response === `echo: ${lines[j]}`)
}

const NOWHERE = 'no-such-host.invalid'

/** S5: HTTP over a socket, where the Host of the request does not matter. */
export function httpOverASocket({ config, access }: Situation): Check[] {
  return [
    expectOkStatus({
      row: 'S5',
      endpoint: config.api,
      what: `GET /status with Host: ${NOWHERE}`,
      path: '/status',
      host: NOWHERE,
      access,
    }),
    expectOkStatus({ row: 'S5', endpoint: config.api, what: 'GET /-/healthy', path: '/-/healthy', access }),
  ]
}

/** S6: one set of handlers behind both: visits over the socket and over TCP increase the same count. */
export function oneSetOfHandlers({ config, expectRedis, access }: Situation): Check[] {
  const both = [config.api, config.tcpApi]
  return expectRedis === 'down'
    ? both.map((endpoint) => visitWithoutRedis(endpoint, access))
    : countedTogether(both, access)
}

function countedTogether(endpoints: readonly Endpoint[], access: Access): Check[] {
  let before = 0
  return endpoints.map((endpoint, i) => ({
    row: 'S6',
    what: 'POST /visits',
    endpoint,
    expected: i === 0 ? 'a number' : 'a higher number',
    async observe() {
      const { visits } = await requestJson(endpoint, visitsSchema, {
        ...access(endpoint),
        method: 'POST',
        path: '/visits',
      })
      const higher = visits > before
      before = visits
      return seen(`visits: ${visits}`, higher)
    },
  }))
}

function visitWithoutRedis(endpoint: Endpoint, access: Access): Check {
  return {
    row: 'S6',
    what: 'POST /visits while Redis is down',
    endpoint,
    expected: '503 with a problem body',
    async observe() {
      const response = await request(endpoint, { ...access(endpoint), method: 'POST', path: '/visits' })
      const problem = problemIn(response)
      const body = problem === undefined ? 'no problem body' : `problem ${problem.code ?? 'without code'}`
      return seen(`${response.status}, ${body}`, response.status === 503 && problem !== undefined)
    },
  }
}
