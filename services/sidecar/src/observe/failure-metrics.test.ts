import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FAILURES, type FailureCode, UPSTREAM_CODES } from '@uds-sidecar/shared/failure/failures'
import { exposed } from '../testing/exposed.ts'
import { type HttpStack, httpStack } from '../testing/http-stack.ts'
import { type OnReceived, responding } from '../testing/raw-server.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const RULES = 'allow: [GET /a], limits: {queue: 0, upstreamConnections: 1}'

/** The series of one metric that are not 0, as `label="value"` with their values. */
async function counted({ sidecar }: HttpStack, name: string): Promise<string[]> {
  const text = await exposed(sidecar)
  const lines = text.matchAll(new RegExp(`^${name}\\{route="web",(.*)\\} (\\d+)$`, 'gm'))
  return [...lines].flatMap(([, labels, value]) => (value === '0' ? [] : [`${labels} ${value}`]))
}

/** Sends one request per head, each on its own connection, and waits for each response to end. */
async function send(stack: HttpStack, heads: readonly string[]): Promise<void> {
  for (const head of heads) await stack.open().send(`${head}\r\nConnection: close\r\n\r\n`).toItsEnd()
}

const HOST = ' HTTP/1.1\r\nHost: a'

describe('sidecar_requests_refused_total', () => {
  it('counts what a scanner meets, and no error of the upstream', async () => {
    await using stack = await httpStack(responding(OK), RULES)
    await send(stack, [
      `GET /.env${HOST}`,
      `GET /wp-login.php${HOST}`,
      `POST /a${HOST}\r\nContent-Length: 0`,
      `GET /../a${HOST}`,
      `GET /a${HOST}\r\nExpect: the-impossible`,
      `GET /${'a'.repeat(20_000)}${HOST}`,
    ])
    assert.deepEqual(await counted(stack, 'sidecar_requests_refused_total'), [
      'code="path_not_allowed" 2',
      'code="method_not_allowed" 1',
      'code="bad_request" 1',
      'code="uri_too_long" 1',
      'code="expectation_failed" 1',
    ])
    assert.deepEqual(await counted(stack, 'sidecar_upstream_errors_total'), [])
  })

  it('counts requests that find the queue full', async () => {
    await using stack = await httpStack(() => undefined, RULES)
    const first = stack.open().send(`GET /a${HOST}\r\n\r\n`)
    while (stack.connections.length === 0) await new Promise(setImmediate)
    await send(stack, [`GET /a${HOST}`])
    assert.deepEqual(await counted(stack, 'sidecar_requests_refused_total'), ['code="overloaded" 1'])
    assert.deepEqual(await counted(stack, 'sidecar_upstream_errors_total'), [])
    first[Symbol.dispose]()
  })
})

describe('sidecar_upstream_errors_total', () => {
  for (const [what, behaviour, code] of [
    ['closes the connection', ({ socket }) => void socket.end(), 'upstream_reset'],
    ['speaks another protocol', ({ socket }) => void socket.end('220 smtp\r\n'), 'upstream_malformed'],
    [
      'ends a body early',
      ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'),
      'upstream_truncated',
    ],
  ] as const satisfies readonly (readonly [string, OnReceived, FailureCode])[]) {
    it(`counts an upstream that ${what}, and nothing refused`, async () => {
      await using stack = await httpStack(behaviour, 'allow: [POST /a]')
      await send(stack, [`POST /a${HOST}\r\nContent-Length: 0`])
      assert.deepEqual(await counted(stack, 'sidecar_upstream_errors_total'), [`reason="${code}" 1`])
      assert.deepEqual(await counted(stack, 'sidecar_requests_refused_total'), [])
    })
  }

  it('counts a missing socket', async () => {
    await using stack = await httpStack(responding(OK))
    await stack.server[Symbol.asyncDispose]()
    await send(stack, [`GET /a${HOST}`])
    assert.deepEqual(await counted(stack, 'sidecar_upstream_errors_total'), ['reason="socket_missing" 1'])
  })
})

describe('every code that a response can have', () => {
  it('is in one of the two metrics from the start, and not in both', async () => {
    await using stack = await httpStack(responding(OK))
    const text = await exposed(stack.sidecar)
    const of = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, code]) => code)
    const failed = of(/^sidecar_upstream_errors_total\{.*reason="(\w+)"\}/gm)
    const refused = of(/^sidecar_requests_refused_total\{.*code="(\w+)"\}/gm)
    const codes = Object.entries(FAILURES).flatMap(([code, { status }]) => (status === null ? [] : [code]))
    assert.deepEqual([...failed, ...refused].sort(), [...codes, 'upstream_truncated', 'sni_mismatch'].sort())
    assert.deepEqual(
      failed.filter((code) => refused.includes(code)),
      [],
    )
    const upstream: ReadonlySet<string> = UPSTREAM_CODES
    assert.ok(failed.every((code) => code !== undefined && upstream.has(code)))
  })
})
