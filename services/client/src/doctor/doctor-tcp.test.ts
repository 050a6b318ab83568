import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { fillBacklog, serve, startPausedServer } from '../testing/broken-server.ts'
import { assertFinding, doctor, doctorOfPaused } from '../testing/examine.ts'

describe('doctor, over TCP', () => {
  it('of a closed port says that nobody listens', async () => {
    const server = await serve(0, (socket) => socket.destroy())
    const { port } = server.address() as AddressInfo
    await server[Symbol.asyncDispose]()
    const fix = `sport = :${port}`
    const expected = { verdict: 'refused', code: 'connection_refused', exitCode: 69, fix } as const
    assertFinding(await doctor(`tcp://127.0.0.1:${port}`), expected)
  })

  it('of a server that drops connections says that the host does not respond', async () => {
    await using paused = await startPausedServer({ host: '127.0.0.1', port: 0 })
    const { port } = paused.address as { port: number }
    using _full = await fillBacklog({ port })
    const expected = {
      verdict: 'connect_timeout',
      code: 'upstream_timeout',
      exitCode: 69,
      fix: 'nft list',
    } as const
    assertFinding(await doctorOfPaused(`tcp://127.0.0.1:${port}`), expected)
  })

  it('of an unreachable address says that there is no route', async () => {
    const fix = 'networks: [edge]'
    const expected = { verdict: 'unreachable', code: 'host_unreachable', exitCode: 69, fix } as const
    assertFinding(await doctor('tcp://255.255.255.255:80'), expected)
  })

  it('of a name that cannot exist (RFC 6761) says that it does not resolve', async () => {
    const fix = 'getent hosts'
    const expected = { verdict: 'host_unknown', code: 'host_unknown', exitCode: 69, fix } as const
    assertFinding(await doctor('tcp://no-such-host.invalid:80', '--timeout-ms', '10000'), expected)
  })

  it('of a server that hangs up is a reset', async () => {
    await using server = await serve(0, (socket) => socket.resetAndDestroy())
    const { port } = server.address() as AddressInfo
    const fix = 'proxyProtocol: v2, connect through its proxy'
    const expected = { verdict: 'reset', code: 'upstream_reset', exitCode: 69, fix } as const
    assertFinding(await doctor(`tcp://127.0.0.1:${port}`), expected)
  })

  for (const [what, down, code, routes] of [
    [
      'names the routes that are down',
      [
        { route: 'debug', code: 'socket_missing', optional: true },
        { route: 'api', code: 'upstream_hung', optional: false },
        { route: 'metrics', code: null, optional: false },
      ],
      'upstream_hung',
      /not ready, .*: route api: upstream_hung, route metrics: no connection yet$/,
    ],
    [
      'names an optional route when it alone was asked for',
      [{ route: 'debug', code: 'socket_missing', optional: true }],
      'socket_missing',
      /not ready, .*: route debug: socket_missing$/,
    ],
  ] as const)
    it(`of a sidecar that is not ready ${what}`, async () => {
      await using server = createHttpServer((_, response) => {
        response.writeHead(503, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ ready: false, down }, null, 2))
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const { port } = server.address() as AddressInfo
      const examined = await doctor(`tcp://127.0.0.1:${port}`)
      assertFinding(examined, { verdict: 'not_ready', code, exitCode: 69, fix: '/routes' })
      assert.match(examined.finding?.message ?? '', routes)
    })
})
