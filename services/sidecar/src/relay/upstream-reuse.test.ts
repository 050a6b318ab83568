import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { type OnReceived, responding } from '../testing/raw-server.ts'

const POST = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'

describe('an upstream connection', () => {
  it('serves one request after the other', async () => {
    await using stack = await httpStack(responding(OK))
    const client = stack.open()
    for (let i = 0; i < 3; i++) {
      await client.send(GET).hears('200 OK')
      client.received = ''
    }
    assert.equal(stack.connections.length, 1)
  })

  it('is not reused after a response with Connection: close', async () => {
    await using stack = await httpStack(responding(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')))
    const client = stack.open()
    for (let i = 0; i < 3; i++) {
      await client.send(GET).hears('200 OK')
      client.received = ''
    }
    assert.equal(stack.connections.length, 3)
  })

  it('that was opened for a POST is closed, unless it is the only idle one', async () => {
    await using stack = await httpStack((dialogue) => {
      if (!dialogue.received.endsWith('\r\n\r\nabc')) return
      dialogue.received = ''
      dialogue.socket.write(OK)
    })
    const client = stack.open()
    for (let count = 1; count <= 20; count++) {
      await client.send(POST).hears('ok')
      client.received = ''
      assert.equal(stack.connections.length, count)
    }
    const open = () =>
      stack.connections.filter(({ readableEnded, destroyed }) => !readableEnded && !destroyed)
    await eventually('one of them to be left', () => open().length === 1)
  })
})

describe('against a server that sends more than it was asked for', () => {
  it('a second response in the same bytes is dropped together with the connection', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'
    await using stack = await httpStack(({ socket }) => socket.write(`${head}ok${head}no`))
    const client = await stack.open().send(GET).hears('ok')
    await client.send(GET).hears('okHTTP/1.1 200 OK')
    assert.doesNotMatch(client.received, /no/)
    assert.equal(stack.connections.length, 2)
  })

  it('a response without a request closes the connection, and no client receives it', async () => {
    let first: Socket | undefined
    await using stack = await httpStack(({ socket }) => {
      first ??= socket
      socket.write(OK)
    })
    const client = await stack.open().send(GET).hears('ok')
    first?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await eventually('the connection to be closed', () => stack.connections.at(-1)?.readableEnded === true)
    await client.send(GET).hears('okHTTP/1.1 200 OK')
    assert.doesNotMatch(client.received, /evil/)
  })
})

/** Responds to every request but the second one, for which it closes the connection; counts the requests. */
function closingAtTheSecond() {
  const seen = { requests: 0 }
  const behaviour: OnReceived = ({ socket }) => {
    seen.requests += 1
    if (seen.requests === 2) socket.destroy()
    else socket.write(OK)
  }
  return { seen, behaviour }
}

describe('against a server that closes an idle connection just before it is reused', () => {
  it('an idempotent request is sent once more, on a new connection', async () => {
    const { seen, behaviour } = closingAtTheSecond()
    await using stack = await httpStack(behaviour)
    const client = await stack.open().send(GET).hears('ok')
    await client.send(GET).hears('okHTTP/1.1 200 OK')
    assert.equal(seen.requests, 3)
    assert.equal(stack.failures('upstream_reset'), 0)
  })

  it('a POST is never sent twice', async () => {
    const { seen, behaviour } = closingAtTheSecond()
    await using stack = await httpStack(behaviour)
    const client = await stack.open().send(GET).hears('ok')
    await client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n').hears('"upstream_reset"')
    assert.equal(seen.requests, 2)
  })

  it('no request fails, whatever its method', async () => {
    const requests: string[] = []
    const used = new Set<Socket>()
    // Closes at the second use of a connection, like a server whose FIN has not arrived yet.
    const closing: OnReceived = (dialogue) => {
      if (used.has(dialogue.socket)) dialogue.socket.destroy()
      else if (/\r\n\r\nabc$/.test(dialogue.received)) {
        used.add(dialogue.socket)
        requests.push(dialogue.received.slice(0, dialogue.received.indexOf(' ')))
        dialogue.socket.write(OK)
      }
    }
    await using stack = await httpStack(closing, 'allow: [GET|POST|PUT|PATCH|DELETE|PROPFIND /*]')
    const client = stack.open()
    const all: string[] = []
    for (let round = 0; round < 20; round++)
      for (const method of ['POST', 'GET', 'PATCH', 'PUT', 'PROPFIND', 'DELETE']) {
        all.push(method)
        await client.send(POST.replace('POST', method)).hears('ok')
        assert.match(client.received, /^HTTP\/1.1 200 OK/, method)
        client.received = ''
      }
    const isSentOnce = (method: string) => ['POST', 'PATCH', 'PROPFIND'].includes(method)
    assert.deepEqual(requests.filter(isSentOnce), all.filter(isSentOnce))
    assert.equal(stack.failures('upstream_reset'), 0)
  })
})
