import { describe, it } from 'node:test'
import { basic, clientStack } from '../testing/clients.ts'
import { MANY, pipelined, sameSeries } from '../testing/exposed.ts'

describe(`${MANY} different values of a credential make no series:`, () => {
  for (const [what, fieldOf] of [
    ['user names', (n) => basic(`user${n}:open sesame`)],
    ['passwords', (n) => basic(`grafana:guess${n}`)],
    ['tokens', (n) => `Authorization: Bearer token-${n}\r\n`],
    ['schemes', (n) => `Authorization: Scheme${n} x\r\n`],
  ] as const satisfies readonly (readonly [string, (n: number) => string])[]) {
    it(what, async () => {
      await using stack = await clientStack('allow: [GET /a for prometheus grafana]')
      const headOf = (n: number) => `GET /a HTTP/1.1\r\nHost: a\r\n${fieldOf(n)}\r\n`
      await sameSeries(stack.sidecar, pipelined(stack.sidecar, headOf), 20) // after ten attempts they are 429
    })
  }
})
