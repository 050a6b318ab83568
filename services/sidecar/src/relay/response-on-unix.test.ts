import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { rejection } from '@uds-sidecar/shared/testing/listeners'
import { type OnReceived, play, rawServer } from '../testing/raw-server.ts'
import { sidecarWith } from '../testing/sidecar-with.ts'

const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\nhello'

/** A route on a Unix socket before an upstream with this behaviour. */
async function unixRoute(behaviour: OnReceived) {
  const directory = await tempDirectory()
  const upstream = await rawServer(directory.at('u'), (socket) => play(socket, behaviour))
  const sidecar = await sidecarWith(`
routes:
  - {name: a, kind: http, listen: "unix:${directory.at('a')}", upstream: "unix:${directory.at('u')}",
     allow: [GET|HEAD /a], timeouts: {body: 100ms}}
`)
  return {
    endpoint: { kind: 'unix', path: directory.at('a') } as const,
    /** Everything that the sidecar sends on one connection. */
    async exchange(bytes: string): Promise<string> {
      const socket = connect(directory.at('a'))
      socket.end(bytes)
      return await text(socket)
    },
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** A connection over a Unix socket cannot be reset (unix(7)): its client sees every end as a clean one. */
describe('on a Unix socket, a response that ends with its connection', () => {
  it('gets chunks, and the client connection is kept', async () => {
    await using route = await unixRoute(({ socket }) => socket.end(UNTIL_CLOSE))
    const two = await route.exchange(
      'GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    )
    const [first = '', second = ''] = two.split(/(?<=\r\n0\r\n\r\n)/)
    for (const response of [first, second]) {
      assert.match(response, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(response, /\r\nTransfer-Encoding: chunked\r\n/)
      assert.match(response, /\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
    }
    assert.doesNotMatch(first, /Connection: close/)
  })

  it('and is cut, is not complete for the client', async () => {
    await using route = await unixRoute(({ socket }) => socket.write(UNTIL_CLOSE))
    const failure = await rejection(request(route.endpoint, { path: '/a' }))
    assert.equal(failure.code, 'upstream_truncated')
  })

  it('has no chunks for HEAD', async () => {
    await using route = await unixRoute(({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    const response = await route.exchange('HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.doesNotMatch(response, /chunked/)
    assert.match(response, /\r\n\r\n$/)
  })

  it('has no chunks for a client of HTTP/1.0, which does not know them', async () => {
    await using route = await unixRoute(({ socket }) => socket.end(UNTIL_CLOSE))
    const response = await route.exchange('GET /a HTTP/1.0\r\n\r\n')
    assert.doesNotMatch(response, /chunked/)
    assert.match(response, /\r\n\r\nhello$/)
  })
})
