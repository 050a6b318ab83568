import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type RequestOptions, request } from '@uds-sidecar/shared/http/request'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { startApp } from './app.ts'
import { loadConfig } from './config.ts'

/** A running app in a directory of its own, without Redis. */
async function runApp(env: NodeJS.ProcessEnv = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'app-'))
  const socket = (name: string): Endpoint => ({ kind: 'unix', path: join(directory, `${name}.sock`) })
  const names = ['metrics', 'api', 'echo', 'admin', 'redis']
  const endpoints = Object.fromEntries(
    names.map((name) => [`APP_${name.toUpperCase()}`, `unix:${directory}/${name}.sock`]),
  )
  const stop = new AbortController()
  const app = await startApp(loadConfig({ ...endpoints, ...env }), createLog('app', 'silent'), stop.signal)
  return {
    directory,
    stop,
    app,
    mode: async (name: string) => (await stat(join(directory, `${name}.sock`))).mode & 0o777,
    ask: async (name: string, path: string, options: RequestOptions = {}) => {
      const { status, headers, body } = await request(socket(name), { ...options, path })
      return { status, headers, text: String(body) }
    },
    async [Symbol.asyncDispose]() {
      stop.abort('test ended')
      await app.closed
      await rm(directory, { recursive: true })
    },
  }
}

describe('the app', () => {
  it('publishes its sockets for owner and group, and admin for the owner alone', async () => {
    await using running = await runApp()
    const modes = await Promise.all(['metrics', 'api', 'echo', 'admin'].map(running.mode))
    assert.deepEqual(modes, [0o660, 0o660, 0o660, 0o600])
  })

  it('reports its name, build, process and sockets at /status', async () => {
    await using running = await runApp({ VERSION: '1.2.3', REVISION: 'abc' })
    const { status, text } = await running.ask('api', '/status')
    const body = JSON.parse(text)
    assert.equal(status, 200)
    assert.deepEqual(
      [body.name, body.version, body.revision, body.pid, body.redis],
      ['app', '1.2.3', 'abc', process.pid, 'down'],
    )
    assert.deepEqual(
      body.sockets.map(({ name, mode }: { name: string; mode: string }) => [name, mode]).sort(),
      [
        ['admin', '0600'],
        ['api', '0660'],
        ['echo', '0660'],
        ['metrics', '0660'],
      ],
    )
  })

  it('serves the same API on TCP if APP_TCP is set', async () => {
    await using running = await runApp({ APP_TCP: 'tcp://127.0.0.1:0' })
    const overSocket = JSON.parse((await running.ask('api', '/status')).text)
    const { endpoint } = overSocket.sockets.find(({ name }: { name: string }) => name === 'tcp')
    const port = Number(new URL(endpoint).port)
    const overTcp = await request({ kind: 'tcp', host: '127.0.0.1', port }, { path: '/status' })
    assert.equal(JSON.parse(String(overTcp.body)).pid, overSocket.pid)
  })

  it('responds to visits with a problem while Redis is down, and stays ready', async () => {
    await using running = await runApp()
    for (const method of ['GET', 'POST']) {
      const { status, headers, text } = await running.ask('api', '/visits', { method })
      assert.equal(status, 503)
      assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
      assert.equal(headers['retry-after'], '1')
      assert.equal(JSON.parse(text).code, 'dependency_down')
    }
    assert.equal((await running.ask('api', '/-/ready')).status, 200)
  })

  it('responds to an unknown path with a problem', async () => {
    await using running = await runApp()
    const { status, text } = await running.ask('api', '/nothing')
    assert.deepEqual([status, JSON.parse(text).code], [404, 'not_found'])
  })

  it('removes its sockets when it is stopped', async () => {
    await using running = await runApp()
    running.stop.abort('SIGTERM')
    await running.app.closed
    const left = await readdir(running.directory)
    assert.deepEqual(
      left.filter((name) => !name.endsWith('.lock')),
      [],
    )
  })
})

describe('the metrics of the app', () => {
  it('are in the text format, name the build, and count requests by listener and route', async () => {
    await using running = await runApp({ VERSION: '1.2.3', REVISION: 'abc' })
    await running.ask('api', '/visits', { method: 'POST' })
    await running.ask('api', '/made-up-by-a-client')
    const { headers, text } = await running.ask('metrics', '/metrics')
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    const lines = text.split('\n')
    for (const line of [
      'app_build_info{version="1.2.3",revision="abc"} 1',
      'app_http_requests_total{listener="api",method="POST",route="/visits",code="503"} 1',
      'app_http_requests_total{listener="api",method="GET",route="none",code="404"} 1',
      'app_redis_up 0',
      'app_connections{listener="echo"} 0',
      'app_socket_takeovers_total{listener="api"} 0',
    ]) {
      assert.ok(lines.includes(line), `no line ${line} in\n${text}`)
    }
  })

  it('leave out a total of visits that was never known, because a counter must not fall', async () => {
    await using running = await runApp()
    const { text } = await running.ask('metrics', '/metrics')
    assert.doesNotMatch(text, /^app_visits_total/m)
  })
})

describe('the admin socket', () => {
  it('refuses everything unless APP_CHAOS is on', async () => {
    await using running = await runApp()
    const { status, text } = await running.ask('admin', '/chaos/crash', { method: 'POST' })
    assert.deepEqual([status, JSON.parse(text).code], [403, 'feature_off'])
  })

  it('makes the API hang and continue on request, and still responds itself', async () => {
    await using running = await runApp({ APP_CHAOS: 'on' })
    assert.equal((await running.ask('admin', '/chaos/hang', { method: 'POST' })).status, 204)
    await assert.rejects(running.ask('api', '/status', { timeoutMs: 100 }), { code: 'upstream_timeout' })
    assert.equal((await running.ask('admin', '/chaos/hang?on=false', { method: 'POST' })).status, 204)
    assert.equal((await running.ask('api', '/status')).status, 200)
  })

  it('names a bad value and the allowed values', async () => {
    await using running = await runApp({ APP_CHAOS: 'on' })
    const { status, text } = await running.ask('admin', '/chaos/delay?ms=soon', { method: 'POST' })
    assert.equal(status, 400)
    assert.match(text, /ms is \\"soon\\".*ms may be a whole number from 0 to 60000/)
  })
})

describe('an app whose socket another server owns', () => {
  it('fails to start with in_use and leaves nothing listening', async () => {
    await using first = await runApp()
    await using second = await runApp({ APP_TCP: 'tcp://127.0.0.1:0' })
    const config = loadConfig({
      APP_METRICS: `unix:${second.directory}/other.sock`,
      APP_API: `unix:${first.directory}/api.sock`,
      APP_ECHO: 'unix:@app-test-echo',
      APP_ADMIN: 'unix:@app-test-admin',
      APP_REDIS: 'unix:@app-test-redis',
    })
    const signal = new AbortController().signal
    await assert.rejects(startApp(config, createLog('app', 'silent'), signal), {
      code: 'in_use',
      exitCode: 75,
    })
    assert.equal((await first.ask('api', '/-/healthy')).status, 200)
    const left = await readdir(second.directory)
    assert.equal(left.includes('other.sock'), false)
  })
})
