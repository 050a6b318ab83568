import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { visible } from '@uds-sidecar/shared/text/visible'
import { runCommandLine } from '../cli/run-command-line.ts'
import { callClient } from '../testing/call-client.ts'
import { runClient } from '../testing/run-client.ts'
import { startSmallStack } from '../testing/small-stack.ts'

/** A sidecar whose route `api` has had 10 more requests, and one more that was refused, at each scrape. */
async function countingSidecar() {
  let scrapes = 0
  const server = createServer((request, response) => {
    if (request.url === '/routes') return response.end('{"routes":[]}')
    if (request.url !== '/metrics') return response.end()
    scrapes += 1
    const route = 'route="api"'
    return response.end(
      [
        `sidecar_requests_total{${route},method="GET",code="200"} ${10 * scrapes}`,
        `sidecar_upstream_errors_total{${route},reason="path_not_allowed"} ${scrapes}`,
        ...['0.001', '+Inf'].map(
          (le) => `sidecar_request_duration_seconds_bucket{le="${le}",${route}} ${10 * scrapes}`,
        ),
        `sidecar_connections{${route}} 2`,
        `sidecar_connections_total{${route}} 5`,
        `sidecar_upstream_up{${route}} 1`,
        `sidecar_upstream_generation{${route}} 4`,
        '',
      ].join('\n'),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { ops: `tcp://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const ARGS = ['watch', '--interval-ms', '50', '--count', '3']

/** Runs a watch of three rounds on a terminal. */
async function onTerminal(env: Readonly<Record<string, string>>, columns = 120): Promise<string> {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns, rows: 40 })
  const output = text(stdout)
  const stderr = new PassThrough()
  assert.equal(await runCommandLine(ARGS, { stdin: Readable.from([]), stdout, stderr, env }), 0)
  stdout.end()
  return output
}

describe('client watch', () => {
  it('shows rates, percentiles, failures and generations of each route, redrawn in place', async () => {
    await using stack = await startSmallStack()
    await using sidecar = await countingSidecar()
    const output = await onTerminal({ ...stack.env, CLIENT_OPS: sidecar.ops })
    const drawings = output.split('\u001b[J')
    assert.equal(drawings.length, 3)
    const last = stripVTControlCharacters(drawings[2] ?? '')
    assert.match(
      last,
      /^route +state +generation +requests\/s +p50 ms +p99 ms +open +new\/s +failures so far$/m,
    )
    assert.match(last, /^api +up +4 +[\d.]+ +0\.50 +0\.99 +2 +0\.0 +path_not_allowed 2$/m)
    assert.ok(output.includes('\u001b[1m'), 'a name is bold')
  })

  it('has no colours with NO_COLOR, and no line wider than the terminal', async () => {
    await using stack = await startSmallStack()
    await using sidecar = await countingSidecar()
    const output = await onTerminal({ ...stack.env, CLIENT_OPS: sidecar.ops, NO_COLOR: '1' }, 30)
    assert.doesNotMatch(visible(output), /u001b\[[\d;]*m/)
    const lines = stripVTControlCharacters(output).split('\n')
    assert.ok(lines.every((line) => line.length <= 30))
    assert.ok(lines.some((line) => line.startsWith('api')))
  })

  it('without a terminal, writes a line for each route with traffic in an interval', async () => {
    await using stack = await startSmallStack()
    await using sidecar = await countingSidecar()
    const { exitCode, stdout } = await callClient(ARGS, { env: { ...stack.env, CLIENT_OPS: sidecar.ops } })
    assert.equal(exitCode, 0)
    const lines = stdout.split('\n').filter((line) => line.includes(' route '))
    assert.equal(lines.length, 2)
    const expected =
      /^\S+Z route api [\d.]+ requests\/s, p50 0\.50 ms, p99 0\.99 ms, 2 open, failures path_not_allowed 1$/
    for (const line of lines) assert.match(line, expected)
  })

  it('with --json, writes one object for each interval', async () => {
    await using stack = await startSmallStack()
    await using sidecar = await countingSidecar()
    const env = { ...stack.env, CLIENT_OPS: sidecar.ops }
    const { stdout } = await callClient([...ARGS, '--json'], { env })
    const objects = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const traffic = objects.filter(({ event }) => event === 'traffic')
    assert.equal(traffic.length, 2)
    const { requestsPerSecond, connectionsPerSecond, ...rest } = traffic[0].routes[0]
    assert.ok(requestsPerSecond > 0)
    assert.equal(connectionsPerSecond, 0)
    assert.deepEqual(rest, {
      route: 'api',
      state: 'up',
      generation: 4,
      connections: 2,
      p50Ms: 0.5,
      p99Ms: 0.99,
      failures: { path_not_allowed: 1 },
    })
  })

  it('says why the sidecar shows nothing, and goes on', async () => {
    await using stack = await startSmallStack()
    const env = { ...stack.env, CLIENT_OPS: 'tcp://127.0.0.1:1' }
    const output = stripVTControlCharacters(await onTerminal(env))
    assert.match(output, /^routes connection_refused: the operations port of the sidecar does not say more$/m)
    const { exitCode, stdout } = await callClient([...ARGS, '--json'], { env })
    assert.equal(exitCode, 0)
    assert.equal(stdout.match(/"event":"traffic","state":"connection_refused","routes":\[\]/g)?.length, 3)
  })

  it('ends at once after its last round', async () => {
    await using stack = await startSmallStack()
    const { exitCode } = await runClient(['watch', '--interval-ms', '3600000', '--count', '1'], {
      env: stack.env,
    })
    assert.equal(exitCode, 0)
  })
})
