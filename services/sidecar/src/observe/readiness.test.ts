import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { startListening } from '@uds-sidecar/shared/testing/server-processes'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { GET } from '../testing/http-stack.ts'
import { respondingServer } from '../testing/raw-server.ts'
import { configFrom, httpRouteText, opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'

/** `httpRouteText` with more settings. */
function routeText(name: string, upstream: string, settings: string): string {
  return httpRouteText(name, 0, upstream).replace('allow:', `${settings}, allow:`)
}

/**
 * A sidecar whose route `api` has `ready`, in front of a process that runs and can be paused, and whose route `extra`
 * has no upstream.
 */
async function apiAndExtra(extra: string) {
  const stack = new AsyncDisposableStack()
  const run = stack.use(await tempDirectory())
  const app = stack.use(await startListening({ endpoint: `unix:${run.path}/api`, protocol: 'http' }))
  const routes = [
    routeText('api', `${run.path}/api`, 'ready: {get: /-/ready, within: 300ms, every: 1h}'),
    routeText('extra', `${run.path}/extra`, extra).replace('127.0.0.1', '127.0.0.2'),
  ]
  const sidecar = stack.use(await sidecarWith(`{ops: "tcp://127.0.0.1:0", routes: [${routes.join(', ')}]}`))
  const endpoint = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
  return {
    app,
    run,
    sidecar,
    async get(path: string) {
      const { status, body } = await request(endpoint, { path })
      return { status, text: `${body}` }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

describe('/-/ready', () => {
  it('is 503 upstream_hung at the next look while the app is paused, and 200 when it goes on', async () => {
    await using stack = await apiAndExtra('optional: true')
    await eventually('it to be ready', async () => (await stack.get('/-/ready')).status === 200)
    stack.app.signal('SIGSTOP')
    const hung = await eventually('the next look', async () => {
      const ready = await stack.get('/-/ready')
      return ready.status === 503 && ready
    })
    assert.deepEqual(JSON.parse(hung.text).down[0], { route: 'api', code: 'upstream_hung', optional: false })
    assert.equal((await stack.get('/-/healthy')).status, 200)
    stack.app.signal('SIGCONT')
    await eventually('it to be ready again', async () => (await stack.get('/-/ready')).status === 200)
  })

  it('stays 503 when a client connects to the paused app', async () => {
    await using stack = await apiAndExtra('optional: true')
    stack.app.signal('SIGSTOP')
    await eventually('the look', async () => (await stack.get('/-/ready')).status === 503)
    using client = new Conversation(portOf(stack.sidecar, 'api'))
    client.send(GET)
    await eventually('the client', () => stack.sidecar.routes[0]?.counters.connectionsTotal === 1)
    assert.equal((await stack.get('/-/ready')).status, 503)
    stack.app.signal('SIGCONT')
    await client.hears('200 OK')
  })

  it('is not 503 because of an optional route, and shows it', async () => {
    await using stack = await apiAndExtra('optional: true')
    const { status, text } = await stack.get('/-/ready')
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(text), {
      ready: true,
      down: [{ route: 'extra', code: 'socket_missing', optional: true }],
    })
  })

  it('is 503 because of a route that is not optional', async () => {
    await using stack = await apiAndExtra('optional: false')
    assert.equal((await stack.get('/-/ready')).status, 503)
  })

  it('asks for one route by name, optional or not', async () => {
    await using stack = await apiAndExtra('optional: true')
    assert.equal((await stack.get('/-/ready?route=api')).status, 200)
    const extra = await stack.get('/-/ready?route=extra')
    assert.equal(extra.status, 503)
    assert.match(extra.text, /"extra".*"socket_missing"/s)
  })

  it('is 404 for an unknown route, and names those that it knows', async () => {
    await using stack = await apiAndExtra('optional: true')
    for (const name of ['nothing', 'API', '', 'api%20', '__proto__', 'a'.repeat(1_000)]) {
      const { status, text } = await stack.get(`/-/ready?route=${name}`)
      assert.equal(status, 404, name)
      assert.deepEqual(JSON.parse(text).routes, ['api', 'extra'])
    }
  })

  it('is 400 for two routes', async () => {
    await using stack = await apiAndExtra('optional: true')
    assert.equal((await stack.get('/-/ready?route=api&route=extra')).status, 400)
  })

  it('asks the app on a connection of its own, whatever the rules and limits of the route', async () => {
    await using stack = await apiAndExtra('optional: true, limits: {connections: 1, upstreamConnections: 1}')
    assert.equal((await stack.get('/-/ready')).status, 200)
    const { text } = await stack.get('/metrics')
    assert.match(text, /^sidecar_connections_total\{route="api"\} 0$/m)
    assert.doesNotMatch(text, /^sidecar_requests_total\{.*route="api"/m)
    assert.match(text, /^sidecar_request_duration_seconds_count\{route="api"\} 0$/m)
  })
})

describe('a reload', () => {
  it('takes over ready and optional at once', async () => {
    await using run = await tempDirectory()
    await using app = await startListening({ endpoint: `unix:${run.path}/u`, protocol: 'http' })
    const text = (settings: string) =>
      `{ops: "tcp://127.0.0.1:0", routes: [${routeText('api', `${run.path}/u`, settings)}]}`
    await using sidecar = await sidecarWith(text('optional: false'))
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
    const status = async () => (await request(endpoint, { path: '/-/ready' })).status
    app.signal('SIGSTOP')
    assert.equal(await status(), 200)
    await sidecar.apply(configFrom(text('ready: {get: /r, within: 50ms, every: 1h}')))
    assert.equal(await status(), 503)
    await sidecar.apply(configFrom(text('ready: {get: /r, within: 50ms, every: 1h}, optional: true')))
    assert.equal(await status(), 200)
    await sidecar.apply(configFrom(text('optional: false')))
    assert.equal(await status(), 200)
  })
})

describe('the other pages', () => {
  for (const [path, hung] of [
    [
      '/routes',
      /"ready": \{\s*"get": "\/-\/ready",\s*"within": "300ms",\s*"every": "1h"\s*\}.*"upstream_hung"/s,
    ],
    ['/metrics', /^sidecar_upstream_up\{route="api"\} 0$/m],
    ['/', /<h2>api .*upstream_hung/s],
  ] as const) {
    it(`${path} asks anew, and shows a paused app`, async () => {
      await using stack = await apiAndExtra('optional: true')
      assert.doesNotMatch((await stack.get(path)).text, hung)
      stack.app.signal('SIGSTOP')
      await eventually('the next look', async () => hung.test((await stack.get(path)).text))
    })
  }

  it('show which routes are optional', async () => {
    await using stack = await apiAndExtra('optional: true')
    const { routes } = JSON.parse((await stack.get('/routes')).text)
    assert.deepEqual(
      routes.map((each: Record<string, unknown>) => [each.optional, each.state]),
      [
        [false, 'up'],
        [true, 'down'],
      ],
    )
    const { text } = await stack.get('/metrics')
    assert.match(text, /^sidecar_upstream_optional\{route="api"\} 0$/m)
    assert.match(text, /^sidecar_upstream_optional\{route="extra"\} 1$/m)
    assert.match((await stack.get('/')).text, /<h2>extra <small>http, optional<\/small>/)
  })
})

describe('a route without ready', () => {
  it('is ready when a connection is accepted, also by a paused app', async () => {
    await using run = await tempDirectory()
    await using app = await startListening({ endpoint: `unix:${run.path}/u`, protocol: 'http' })
    app.signal('SIGSTOP')
    await using sidecar = await sidecarWith(
      `{ops: "tcp://127.0.0.1:0", routes: [${httpRouteText('a', 0, `${run.path}/u`)}]}`,
    )
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
    assert.equal((await request(endpoint, { path: '/-/ready' })).status, 200)
  })
})

describe('a route of another kind', () => {
  it('of kind connect is ready while it listens', async () => {
    await using run = await tempDirectory()
    const route = `{name: out, kind: connect, optional: true, listen: "unix:${run.path}/out", allow: ["CONNECT a.example:443"]}`
    await using sidecar = await sidecarWith(`{ops: "tcp://127.0.0.1:0", routes: [${route}]}`)
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
    for (const path of ['/-/ready', '/-/ready?route=out'])
      assert.equal((await request(endpoint, { path })).status, 200, path)
    const { routes } = JSON.parse(`${(await request(endpoint, { path: '/routes' })).body}`)
    assert.deepEqual([routes[0].optional, routes[0].ready], [true, null])
  })

  it('of kind stream may be optional', async () => {
    await using run = await tempDirectory()
    await using _ = await respondingServer(`${run.path}/up`, 'ok')
    const stream = `{name: line, kind: stream, optional: true, listen: "tcp://127.0.0.2:0", upstream: "unix:${run.path}/none"}`
    await using sidecar = await sidecarWith(
      `{ops: "tcp://127.0.0.1:0", routes: [${httpRouteText('up', 0, `${run.path}/up`)}, ${stream}]}`,
    )
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
    assert.equal((await request(endpoint, { path: '/-/ready' })).status, 200)
    assert.equal((await request(endpoint, { path: '/-/ready?route=line' })).status, 503)
  })
})
