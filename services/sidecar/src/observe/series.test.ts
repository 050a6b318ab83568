import { describe, it } from 'node:test'
import { MANY, pipelined, sameSeries } from '../testing/exposed.ts'
import { httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'

describe(`${MANY} different values of what a client decides make no series:`, () => {
  for (const [what, headOf] of [
    ['methods', (n) => `METHOD${n.toString(36).toUpperCase()} /a HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['methods in lower case', (n) => `get${n} /a HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['paths that are refused', (n) => `GET /scan/${n} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['paths that are allowed', (n) => `GET /a/${n} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['queries', (n) => `GET /a?q${n}=${n} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['hosts', (n) => `GET /a HTTP/1.1\r\nHost: h${n}.example\r\n\r\n`],
    ['absolute URLs', (n) => `GET http://h${n}.example/a HTTP/1.1\r\nHost: h${n}.example\r\n\r\n`],
    ['request ids', (n) => `GET /a HTTP/1.1\r\nHost: a\r\nX-Request-Id: id-${n}\r\n\r\n`],
    ['field names', (n) => `GET /a HTTP/1.1\r\nHost: a\r\nX-Field-${n}: ${n}\r\n\r\n`],
    ['user agents', (n) => `GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: agent/${n}\r\n\r\n`],
    ['forwarded addresses', (n) => `GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${n}\r\n\r\n`],
  ] as const satisfies readonly (readonly [string, (n: number) => string])[]) {
    it(what, async () => {
      await using stack = await httpStack(responding(OK), 'allow: [GET /a ?*, "GET /a/*"]')
      await sameSeries(stack.sidecar, pipelined(stack.sidecar, headOf))
    })
  }
})
