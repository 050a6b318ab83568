import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { aTurn } from '../testing/conversation.ts'
import { DATE, GET, httpStack } from '../testing/http-stack.ts'
import { type OnReceived, responding } from '../testing/raw-server.ts'

/** Responds to a request, once `end` was received, with everything received. */
function echoing(end: string): OnReceived {
  return (dialogue) => {
    if (!dialogue.received.endsWith(end)) return
    const body = dialogue.received
    dialogue.received = ''
    dialogue.socket.write(`HTTP/1.1 200 OK\r\n${DATE}Content-Length: ${body.length}\r\n\r\n${body}`, 'latin1')
  }
}

describe('an HTTP route', () => {
  it('adds X-Forwarded-For, X-Forwarded-Proto and X-Request-Id to the request, and nothing to the response', async () => {
    await using stack = await httpStack(echoing('\r\n\r\n'))
    const client = await stack
      .open()
      .send('GET /a?b=c HTTP/1.1\r\nHost: x:1\r\nX-Forwarded-For: 9.9.9.9\r\nAccept: */*\r\n\r\n')
      .hears('\r\n\r\nGET')
    const [head, request] = client.received.split(/\r\n\r\n(?=GET)/)
    assert.match(head ?? '', /^HTTP\/1.1 200 OK\r\nDate: [^\r]+\r\nContent-Length: \d+$/)
    assert.match(
      request ?? '',
      /^GET \/a\?b=c HTTP\/1.1\r\nHost: x:1\r\nAccept: \*\/\*\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Request-Id: [0-9a-f-]{21}\r\n\r\n$/,
    )
  })

  it('relays bodies with a length in both directions, in whatever pieces they come', async () => {
    await using stack = await httpStack(echoing('THE END'))
    const body = `${randomBytes(300_000).toString('hex')}THE END`
    const client = stack.open().send(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
    for (let at = 0; at < body.length; at += 77_777) client.send(body.slice(at, at + 77_777))
    await client.hears('THE END')
    assert.ok(client.received.endsWith(`\r\n\r\n${body}`))
  })

  it('relays chunked bodies in both directions unchanged, with their trailers', async () => {
    const chunks = '5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'
    await using stack = await httpStack((dialogue) => {
      if (dialogue.received.endsWith(chunks))
        dialogue.socket.write(`HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n${chunks}`)
    })
    const client = stack.open()
    client.send(`POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`)
    await client.hears('X-Sum: 1\r\n\r\n')
    assert.equal(client.received, `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n${chunks}`)
  })

  it('relays a response body that ends with the connection, and closes the client connection after it', async () => {
    await using stack = await httpStack(({ socket }) =>
      socket.end(`HTTP/1.1 200 OK\r\n${DATE}\r\nto the end`),
    )
    const client = stack.open().send(GET)
    assert.equal(await client.toItsEnd(), `HTTP/1.1 200 OK\r\nConnection: close\r\n${DATE}\r\nto the end`)
    assert.equal(client.ending, 'end')
  })

  it('reads messages that arrive byte by byte', async () => {
    await using stack = await httpStack(({ socket, received }) => {
      if (!received.endsWith('\r\n\r\nab')) return
      socket.setNoDelay(true)
      for (const byte of `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\nConnection: keep-alive\r\n\r\nok`)
        socket.write(byte)
    })
    const client = await stack.openAndWait()
    client.socket.setNoDelay(true)
    for (const byte of 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab') {
      client.send(byte)
      await aTurn()
    }
    await client.hears('ok')
    assert.equal(client.received, `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\n\r\nok`)
  })

  it('responds to pipelined requests in order, and sends a POST on a new connection', async () => {
    let count = 0
    await using stack = await httpStack((dialogue) => {
      const paths = [...dialogue.received.matchAll(/(?:GET|POST) (\S+)/g)].map(([, path]) => path)
      dialogue.received = ''
      for (const path of paths)
        dialogue.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n${++count} ${path} `)
    })
    const body = 'Content-Length: 3\r\n\r\nabc'
    const requests = [
      'GET /aaaa HTTP/1.1\r\nHost: a\r\n\r\n',
      `POST /bbbb HTTP/1.1\r\nHost: a\r\n${body}`,
      'GET /cccc HTTP/1.1\r\nHost: a\r\n\r\n',
    ]
    const client = await stack.open().send(requests.join('')).hears('/cccc')
    assert.deepEqual(client.received.match(/\d \/\w+/g), ['1 /aaaa', '2 /bbbb', '3 /cccc'])
    assert.equal(stack.connections.length, 2)
  })

  it('ignores one empty line before a request', async () => {
    await using stack = await httpStack(responding('HTTP/1.1 204 No Content\r\n\r\n'))
    await stack.open().send(`\r\n${GET}`).hears('204')
    const client = await stack.openAndWait()
    client.socket.setNoDelay(true)
    client.send('\r')
    await aTurn()
    await client.send(`\n${GET}`).hears('204')
  })

  it('forwards HEAD, 204 and 304 without waiting for a body', async () => {
    for (const [method, status] of [
      ['HEAD', '200 OK'],
      ['GET', '304 Not Modified'],
      ['GET', '204 No Content'],
    ]) {
      const length = status === '204 No Content' ? '' : 'Content-Length: 5\r\n'
      await using stack = await httpStack(responding(`HTTP/1.1 ${status}\r\n${DATE}${length}\r\n`))
      const client = stack.open().send(`${method} /a HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2))
      await client.hears(`${status}\r\n${DATE}${length}\r\nHTTP/1.1 ${status}`)
    }
  })

  it('forwards 100 Continue before the client sends the body', async () => {
    await using stack = await httpStack(({ socket, received }) => {
      if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      if (received.endsWith('\r\n\r\nbody')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    const client = stack.open()
    client.send('POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
    await client.hears('100 Continue\r\n\r\n')
    await client.send('body').hears('200 OK')
  })

  it('sends an HTTP/1.0 client the body without chunks, then closes the connection', async () => {
    const chunked = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\nA: b\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`
    await using stack = await httpStack(responding(chunked))
    const client = stack.open().send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    assert.equal(
      await client.toItsEnd(),
      `HTTP/1.1 200 OK\r\nConnection: close\r\n${DATE}A: b\r\n\r\nhello world`,
    )
  })

  it('keeps the connection of an HTTP/1.0 client that sends Connection: keep-alive', async () => {
    await using stack = await httpStack(responding(`HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\n\r\nok`))
    const client = stack.open().send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    await client.hears(`HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n${DATE}Content-Length: 2\r\n\r\nok`)
    client.received = ''
    client.send('GET /a HTTP/1.0\r\n\r\n')
    assert.match(await client.toItsEnd(), /Connection: close/)
  })

  it('responds to a client that has closed its side', async () => {
    await using stack = await httpStack(responding('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    const client = stack.open()
    client.socket.end(GET)
    assert.match(await client.toItsEnd(), /200 OK\r\nConnection: close\r\n.*ok$/s)
    assert.equal(client.ending, 'end')
  })

  it('forwards OPTIONS * as it is, and an absolute URL in origin form', async () => {
    await using stack = await httpStack(echoing('\r\n\r\n'))
    await stack.open().send('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n').hears('\r\n\r\nOPTIONS * HTTP/1.1')
    await stack.open().send('GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n').hears('\r\n\r\nGET /x HTTP/1.1')
  })
})

describe('against a server that responds before it has read the request body, a client gets', () => {
  const refusal = `HTTP/1.1 413 Too Large\r\n${DATE}Content-Length: 2\r\n\r\nno`

  it('the response, and then the end of its connection', async () => {
    const post = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nstart'
    const once: OnReceived = ({ socket }) => {
      if (socket.writable) socket.end(refusal)
    }
    await using stack = await httpStack(once)
    const client = stack.open().send(post)
    const text = await client.toItsEnd()
    assert.equal(text, `HTTP/1.1 413 Too Large\r\nConnection: close\r\n${DATE}Content-Length: 2\r\n\r\nno`)
    assert.equal(client.ending, 'end')
  })

  it('the response also when the server closes while the body is still being sent', async () => {
    const refused = new Set<Socket>()
    const rude: OnReceived = ({ socket }) => {
      if (!refused.has(socket)) socket.write(refusal, () => socket.destroy())
      refused.add(socket)
    }
    await using stack = await httpStack(rude)
    for (let round = 0; round < 20; round++) {
      const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n')
      for (let piece = 0; piece < 40; piece++) {
        client.send(Buffer.alloc(10_000))
        await new Promise(setImmediate)
      }
      assert.match(await client.toItsEnd(), /^HTTP\/1.1 413 .*no$/s)
      assert.equal(client.ending, 'end')
    }
  })
})
