import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { listen } from '../listen/listen.ts'
import { tempDirectory } from '../testing/files.ts'
import { rejection } from '../testing/listeners.ts'
import { EndpointAgent, type RequestOptions, request } from './request.ts'

const HEAD = 'HTTP/1.1 200 OK\r\n'

describe('a request over a socket', () => {
  it('returns status, headers and the whole body, and sends no host of the endpoint', async () => {
    await using directory = await tempDirectory()
    const server = createHttpServer(async (message, response) => {
      response.writeHead(201, { 'X-Host': message.headers.host })
      response.end(`${message.method} ${message.url} ${await text(message)}`)
    })
    await using listener = await listen(server, { kind: 'unix', path: directory.at('s') })
    const response = await request(listener.endpoint, { method: 'POST', path: '/a?b=1', body: 'é' })
    assert.equal(response.status, 201)
    assert.equal(response.headers['x-host'], 'localhost')
    assert.equal(String(response.body), 'POST /a?b=1 é')
  })

  it('with an agent that keeps connections, uses one for several requests', async () => {
    await using directory = await tempDirectory()
    let connections = 0
    const server = createHttpServer((_message, response) => response.end())
    server.on('connection', () => connections++)
    await using listener = await listen(server, { kind: 'unix', path: directory.at('s') })
    const agent = new EndpointAgent(listener.endpoint, {}, { keepAlive: true })
    for (let n = 0; n < 3; n++) await request(listener.endpoint, { agent })
    agent.destroy()
    assert.equal(connections, 1)
  })
})

describe('a request against a server that', () => {
  for (const [what, code, bytes] of [
    ['closes at once', 'upstream_reset', ''],
    ['closes in mid-head', 'upstream_reset', 'HTTP/1.1 200 O'],
    ['speaks another protocol', 'upstream_malformed', 'SSH-2.0-OpenSSH\r\n'],
    ['sends two lengths', 'upstream_malformed', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    [
      'switches protocols without an upgrade request',
      'upstream_malformed',
      'HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['sends an endless head', 'upstream_too_large', `${HEAD}A: ${'x'.repeat(100_000)}`],
    ['ends before the promised length', 'upstream_truncated', `${HEAD}Content-Length: 5\r\n\r\nab`],
    ['ends in mid-chunk', 'upstream_truncated', `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nab`],
    ['sends garbage for a chunk', 'upstream_truncated', `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ['sends more than allowed', 'upstream_too_large', `${HEAD}\r\n${'x'.repeat(200)}`],
  ] as const) {
    it(`${what}, fails with ${code}`, async () => {
      const failure = await failureAgainst((socket) => socket.end(bytes), { maxBodyBytes: 100 })
      assert.equal(failure.code, code)
      assert.equal(failure.exitCode, 69)
    })
  }

  it('resets the connection, fails with upstream_reset', async () => {
    assert.equal((await failureAgainst((socket) => socket.destroy())).code, 'upstream_reset')
  })

  it('sends nothing, fails with upstream_timeout', async () => {
    assert.equal((await failureAgainst(() => undefined, { timeoutMs: 50 })).code, 'upstream_timeout')
  })

  it('stops in mid-body, fails with upstream_timeout', async () => {
    const stop = (socket: Socket) => socket.write(`${HEAD}Content-Length: 5\r\n\r\nab`)
    assert.equal((await failureAgainst(stop, { timeoutMs: 50 })).code, 'upstream_timeout')
  })

  it('sends a body of exactly the limit, succeeds', async () => {
    const response = await responseOf((socket) => socket.end(`${HEAD}\r\n${'x'.repeat(100)}`), {
      maxBodyBytes: 100,
    })
    assert.equal(response.body.length, 100)
  })
})

describe('a request that', () => {
  for (const options of [
    { path: '/a b' },
    { headers: { 'a b': 'c' } },
    { headers: { a: 'b\r\nc: d' } },
    { method: 'G T' },
  ]) {
    it(`is not valid HTTP (${JSON.stringify(options)}), fails with bad_request`, async () => {
      assert.equal((await failureAgainst((socket) => socket.end(), options)).code, 'bad_request')
    })
  }

  it('is aborted, fails with the reason', async () => {
    const reason = new Error('enough')
    const stop = new AbortController()
    const accepted = (_socket: Socket) => stop.abort(reason)
    await assert.rejects(responseOf(accepted, { signal: stop.signal }), reason)
    await assert.rejects(responseOf(accepted, { signal: stop.signal }), reason)
  })

  it('finds no socket, fails as dial does', async () => {
    await using directory = await tempDirectory()
    const failure = await rejection(request({ kind: 'unix', path: directory.at('s') }))
    assert.deepEqual([failure.code, failure.errno], ['socket_missing', 'ENOENT'])
  })
})

async function failureAgainst(respond: (socket: Socket) => unknown, options: RequestOptions = {}) {
  return rejection(responseOf(respond, options))
}

/** The response of a server that calls `respond` once a connection has sent its first bytes. */
async function responseOf(respond: (socket: Socket) => unknown, options: RequestOptions) {
  await using directory = await tempDirectory()
  const endpoint: Endpoint = { kind: 'unix', path: directory.at('s') }
  await using _listener = await listen(
    createServer((socket) => {
      socket.on('error', () => socket.destroy())
      once(socket, 'data').then(
        () => respond(socket),
        () => undefined,
      )
    }),
    endpoint,
    { drainMs: 0 },
  )
  return await request(endpoint, options)
}
