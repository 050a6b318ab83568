import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { respondingServer } from '../testing/raw-server.ts'
import { httpRouteText, opsPortOf, sidecarWith } from '../testing/sidecar-with.ts'

/** A sidecar with the routes `up`, whose upstream runs, and `down`, whose upstream has no socket. */
async function upAndDown() {
  const run = await tempDirectory()
  const server = await respondingServer(`${run.path}/up`, 'ok')
  const routes = [
    httpRouteText('up', 0, `${run.path}/up`),
    httpRouteText('down', 0, `${run.path}/down`).replace('127.0.0.1', '127.0.0.2'),
  ]
  const sidecar = await sidecarWith(`{ops: "tcp://127.0.0.1:0", routes: [${routes.join(', ')}]}`)
  const endpoint = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
  return {
    async get(path: string) {
      const { status, body } = await request(endpoint, { path })
      return { status, body: `${body}` }
    },
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

describe('on the operations port, with one upstream up and one down', () => {
  it('/routes has the state, the socket and the last error of each route', async () => {
    await using ops = await upAndDown()
    const { routes, process: own } = JSON.parse((await ops.get('/routes')).body)
    assert.equal(own.uid, process.getuid?.())
    assert.deepEqual([routes[0].state, routes[0].socket.kind, routes[0].generation], ['up', 'socket', 1])
    assert.deepEqual(
      [routes[1].state, routes[1].socket, routes[1].lastError.code],
      ['down', null, 'socket_missing'],
    )
  })

  it('/ shows the same to people', async () => {
    await using ops = await upAndDown()
    assert.match((await ops.get('/')).body, /<h2>down .*socket_missing/s)
  })

  it('/-/healthy is 200, and /-/ready is 503 with the reason', async () => {
    await using ops = await upAndDown()
    assert.equal((await ops.get('/-/healthy')).status, 200)
    const ready = await ops.get('/-/ready')
    assert.equal(ready.status, 503)
    assert.match(ready.body, /"down".*"socket_missing"/s)
  })

  it('/metrics has the state of each upstream, and every failure reason from the start', async () => {
    await using ops = await upAndDown()
    const { body } = await ops.get('/metrics')
    assert.match(body, /^sidecar_upstream_up\{route="up"\} 1$/m)
    assert.match(body, /^sidecar_upstream_up\{route="down"\} 0$/m)
    assert.match(body, /^sidecar_upstream_errors_total\{route="up",reason="upstream_reset"\} 0$/m)
    assert.match(body, /^sidecar_requests_refused_total\{route="up",code="path_not_allowed"\} 0$/m)
  })

  it('every other path is 404', async () => {
    await using ops = await upAndDown()
    for (const path of ['/nothing', '//', '/metrics/', '/%', '/__proto__'])
      assert.equal((await ops.get(path)).status, 404, path)
  })
})
