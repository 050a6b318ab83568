import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { createEchoServer } from './echo/echo-server.ts'
import { createHttpServer } from './http-server.ts'
import { connectionsPerListener } from './listener-plans.ts'

const ALL_CONNECTIONS = 1_024

/** Clients that send only `first` and wait. They connect one after the other, because a listen backlog is short. */
async function occupy(endpoint: Endpoint, count: number, first: string) {
  const clients: Socket[] = []
  for (let i = 0; i < count; i++) {
    const client = await dial(endpoint)
    clients.push(client.on('error', () => client.destroy()).resume())
    client.write(first)
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
    },
  }
}

describe('clients that take every connection of a listener', () => {
  for (const [what, first] of [
    ['send one byte', 'G'],
    ['send nothing', ''],
    ['keep their connection after a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ] as const)
    it(`and ${what} do not keep others out of its socket`, async () => {
      await using run = await tempDirectory()
      const endpoint: Endpoint = { kind: 'unix', path: `${run.path}/api.sock` }
      const server = createHttpServer((_request, response) => response.end('here'))
      await using _listener = await listen(server, endpoint, { drainMs: 0 })
      await using _clients = await occupy(endpoint, ALL_CONNECTIONS + 100, first)
      assert.equal((await request(endpoint, { path: '/' })).status, 200)
    })

  it('do not cut a request in progress', async () => {
    await using run = await tempDirectory()
    const endpoint: Endpoint = { kind: 'unix', path: `${run.path}/api.sock` }
    const requested = Promise.withResolvers<() => void>()
    const server = createHttpServer((_request, response) => requested.resolve(() => response.end('at last')))
    await using _listener = await listen(server, endpoint, { drainMs: 0 })
    const response = request(endpoint, { path: '/' })
    const respond = await requested.promise
    await using _clients = await occupy(endpoint, ALL_CONNECTIONS + 100, 'G')
    respond()
    assert.equal(`${(await response).body}`, 'at last')
  })

  it('from one address do not keep others of that address out', async () => {
    const server = createHttpServer((_request, response) => response.end('here'))
    await using listener = await listen(server, { kind: 'tcp', host: '127.0.0.1', port: 0 }, { drainMs: 0 })
    await using _clients = await occupy(listener.endpoint, 300, 'G')
    assert.equal((await request(listener.endpoint, { path: '/' })).status, 200)
  })

  it('do not keep others out of the echo socket', async () => {
    await using run = await tempDirectory()
    const endpoint: Endpoint = { kind: 'unix', path: `${run.path}/echo.sock` }
    await using _listener = await listen(createEchoServer(new AbortController().signal), endpoint, {
      drainMs: 0,
    })
    await using _clients = await occupy(endpoint, ALL_CONNECTIONS + 100, 'x')
    const client = await dial(endpoint)
    client.on('error', () => client.destroy()).end('ping\n')
    assert.equal(await text(client), 'echo: ping\n')
  })
})

it('the connections of all listeners of the app fit into its limit of descriptors', () => {
  assert.equal(connectionsPerListener(null), ALL_CONNECTIONS)
  assert.equal(connectionsPerListener(Number.POSITIVE_INFINITY), ALL_CONNECTIONS)
  assert.ok(connectionsPerListener(1_024) * 5 < 1_024)
  assert.ok(connectionsPerListener(20) > 0)
})
