import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makePair, secretDirectory, tlsConversation, tlsText } from '../testing/certificates.ts'
import { aTurn } from '../testing/conversation.ts'
import { DATE, type HttpStack, httpStack, OK } from '../testing/http-stack.ts'
import { mirror, type OnReceived } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

const END = '\r\n\r\n'

async function assertRefused(
  stack: HttpStack,
  request: string,
  status: number,
  code: string,
): Promise<string> {
  const { received } = await stack.open().send(request).hears('"hint"')
  assert.match(received, new RegExp(`^HTTP/1.1 ${status} .*"code":"${code}"`, 's'), request)
  return received
}

/** Responds with `response` to what ends with `end`, and keeps what it received in `seen`. */
function recording(seen: string[], end: string, response = OK): OnReceived {
  return (dialogue) => {
    if (!dialogue.received.endsWith(end)) return
    seen.push(dialogue.received)
    dialogue.received = ''
    dialogue.socket.write(response, 'latin1')
  }
}

describe('a body has no meaning for GET, HEAD and DELETE, and is forwarded (RFC 9110 section 9.3.1)', () => {
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS'])
    for (const [what, framed] of [
      ['a length', 'Content-Length: 5\r\n\r\nhello'],
      ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ] as const)
      it(`${method} with ${what}, and the next request follows it`, async () => {
        const seen: string[] = []
        const response = method === 'HEAD' ? OK.slice(0, -2) : OK
        await using stack = await httpStack(
          recording(seen, framed.slice(-5), response),
          `allow: [${method === 'HEAD' ? 'GET' : method} /a]`,
        )
        const client = stack.open()
        for (const _ of ['first', 'second']) {
          client.received = ''
          await client.send(`${method} /a HTTP/1.1\r\nHost: a\r\n${framed}`).hears(response.slice(-4))
        }
        assert.equal(seen.length, 2)
        for (const request of seen)
          assert.ok(
            request.startsWith(`${method} /a `) && request.endsWith(framed.split(END).slice(1).join(END)),
          )
      })
})

describe('Expect', () => {
  it('with any other value than 100-continue is 417, and nothing reaches the upstream (RFC 9110 section 10.1.1)', async () => {
    await using stack = await httpStack(mirror)
    for (const value of ['200-ok', '', '100-continue, 200-ok', '100-continue;a=b', '"100-continue"', '100'])
      await assertRefused(
        stack,
        `POST /a HTTP/1.1\r\nHost: a\r\nExpect: ${value}\r\nContent-Length: 2\r\n\r\nab`,
        417,
        'expectation_failed',
      )
    assert.equal(stack.connections.length, 0)
  })

  it('100-continue is forwarded in any case', async () => {
    const seen: string[] = []
    await using stack = await httpStack(recording(seen, 'ab'))
    const request = 'POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nab'
    await stack.open().send(request).hears('ok')
    assert.match(seen.join(), /\r\nExpect: 100-Continue\r\n/)
  })
})

describe('Expect in HTTP/1.0', () => {
  it('100-continue is not forwarded, because the client knows no interim response (RFC 9110 section 10.1.1)', async () => {
    const seen: string[] = []
    await using stack = await httpStack(recording(seen, 'ab'))
    const request = 'POST /a HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab'
    await stack.open().send(request).hears('ok')
    assert.doesNotMatch(seen.join(), /expect/i)
  })
})

describe('the absolute form (RFC 9112 section 3.2.2)', () => {
  it('is forwarded in origin form when its host is that of Host, with the scheme in any case', async () => {
    await using stack = await httpStack(mirror)
    for (const [target, forwarded] of [
      ['http://a/x?y=http://b', '/x?y=http://b'],
      ['HTTP://a/x', '/x'],
      ['http://a/', '/'],
      ['http://a', '/'],
    ])
      await stack
        .open()
        .send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
        .hears(`${END}GET ${forwarded} HTTP/1.1\r\nHost: a\r\n`)
  })

  it('is 400 with another host or port, another scheme, user information, a fragment, or without a host', async () => {
    await using stack = await httpStack(mirror)
    for (const target of [
      'http://b/x',
      'http://a:80/x',
      'https://a/x',
      'ftp://a/x',
      'http://u@a/x',
      'http://a/x#f',
      'http:///x',
      'http:/x',
      'a:80',
    ])
      await assertRefused(stack, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, 400, 'bad_request')
    assert.equal(stack.connections.length, 0)
  })

  it('may be https:// over TLS alone (RFC 9110 section 7.4)', async () => {
    const pair = await makePair()
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(mirror, tlsText(secret))
    for (const scheme of ['https', 'HTTPS', 'http']) {
      using client = tlsConversation(portOf(stack.sidecar), pair)
      const request = `GET ${scheme}://a/x HTTP/1.1\r\nHost: a\r\n\r\n`
      for (const piece of request.match(/.{1,3}/gs) ?? []) {
        client.send(piece)
        await aTurn()
      }
      await client.hears(`${END}GET /x HTTP/1.1\r\n`)
    }
    for (const target of ['httpss://a/x', 'httpx://a/x', 'https:/a/x', 'https://b/x']) {
      using client = tlsConversation(portOf(stack.sidecar), pair)
      await client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).hears('"bad_request"')
    }
  })
})

describe('TRACE', () => {
  it('needs a rule that names it (405), whatever else is allowed', async () => {
    await using stack = await httpStack(mirror, 'allow: [GET|POST|OPTIONS /*, TRACE /t]')
    const received = await assertRefused(
      stack,
      'TRACE /a HTTP/1.1\r\nHost: a\r\n\r\n',
      405,
      'method_not_allowed',
    )
    assert.match(received, /\r\nAllow: GET, HEAD, OPTIONS, POST\r\n/)
    await stack.open().send('TRACE /t HTTP/1.1\r\nHost: a\r\n\r\n').hears('TRACE /t HTTP/1.1')
  })

  it('with a body is 400 (RFC 9110 section 9.3.8)', async () => {
    await using stack = await httpStack(mirror, 'allow: [TRACE /t]')
    await assertRefused(
      stack,
      'TRACE /t HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab',
      400,
      'bad_request',
    )
    await stack.open().send('TRACE /t HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n').hears('TRACE /t')
  })

  it('passes Max-Forwards on, one less', async () => {
    await using stack = await httpStack(mirror, 'allow: [TRACE /t]')
    await stack
      .open()
      .send('TRACE /t HTTP/1.1\r\nHost: a\r\nMax-Forwards: 9\r\n\r\n')
      .hears('Max-Forwards: 8')
  })
})

describe('OPTIONS *', () => {
  it('needs a rule of its own (403), and is forwarded as it is', async () => {
    await using stack = await httpStack(mirror, 'allow: [OPTIONS /*]')
    await assertRefused(stack, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 403, 'path_not_allowed')
    await using other = await httpStack(mirror, 'allow: ["OPTIONS *"]')
    await other.open().send('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n').hears('OPTIONS * HTTP/1.1')
    await assertRefused(other, 'OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n', 403, 'path_not_allowed')
    for (const line of [
      'GET * HTTP/1.1',
      'OPTIONS *x HTTP/1.1',
      'OPTIONS *?a HTTP/1.1',
      'OPTIONS ** HTTP/1.1',
    ])
      await assertRefused(other, `${line}\r\nHost: a\r\n\r\n`, 400, 'bad_request')
  })
})

describe('ranges', () => {
  it('a Range and its multipart/byteranges response pass, also without a length (RFC 9112 section 6.3)', async () => {
    const seen: string[] = []
    const part =
      '--b\r\nContent-Range: bytes 0-0/9\r\n\r\nx\r\n--b\r\nContent-Range: bytes 8-8/9\r\n\r\ny\r\n--b--\r\n'
    const head = `HTTP/1.1 206 Partial Content\r\n${DATE}Content-Type: multipart/byteranges; boundary=b\r\n`
    const request = 'GET /a HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,-1\r\nIf-Range: "e"\r\n\r\n'
    const whole = `${head}Content-Length: ${part.length}\r\n\r\n${part}`
    await using stack = await httpStack(recording(seen, END, whole))
    assert.equal((await stack.open().send(request).hears('--b--\r\n')).received, whole)
    assert.match(seen.join(), /\r\nRange: bytes=0-0,-1\r\nIf-Range: "e"\r\n/)
    // A boundary does not end a body: what follows it is still of this response, up to the end of the connection.
    await using open = await httpStack(({ socket }) => socket.end(`${head}\r\n${part}epilogue`))
    assert.match(await open.open().send(request).toItsEnd(), /--b--\r\nepilogue$/)
  })

  it('416 passes', async () => {
    const response = `HTTP/1.1 416 Range Not Satisfiable\r\n${DATE}Content-Range: bytes */9\r\nContent-Length: 0\r\n\r\n`
    await using stack = await httpStack(recording([], END, response))
    const client = stack.open().send('GET /a HTTP/1.1\r\nHost: a\r\nRange: bytes=99-\r\n\r\n')
    assert.equal((await client.hears('bytes */9\r\nContent-Length: 0\r\n\r\n')).received, response)
  })
})

describe('gRPC-web', () => {
  const frame = Buffer.from([0, 0, 0, 0, 2, 8, 1]).toString('latin1')
  const status = `${Buffer.from([0x80, 0, 0, 0, 15]).toString('latin1')}grpc-status:0\r\n`
  const head = `HTTP/1.1 200 OK\r\n${DATE}Content-Type: application/grpc-web+proto\r\n`
  const request = `POST /p.Service/Method HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web+proto\r\nX-Grpc-Web: 1\r\nContent-Length: ${frame.length}\r\n\r\n${frame}`

  it('has its trailers in the body, which passes unchanged', async () => {
    const chunks = [frame, status].map((data) => `${data.length.toString(16)}\r\n${data}\r\n`).join('')
    const response = `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`
    const seen: string[] = []
    await using stack = await httpStack(
      recording(seen, frame, response),
      'allow: ["POST /{service}/{method} ?"]',
    )
    const client = await stack.open().send(Buffer.from(request, 'latin1')).hears('0\r\n\r\n')
    assert.match(client.received, /grpc-status:0\r\n\r\n0\r\n\r\n$/)
    assert.ok(seen[0]?.endsWith(frame) && seen[0].includes('X-Grpc-Web: 1'))
  })

  it('or another response with trailers keeps them, and the Trailer field that announces them', async () => {
    const response = `${head}Trailer: grpc-status, grpc-message\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n`
    await using stack = await httpStack(recording([], frame, response))
    const client = await stack.open().send(Buffer.from(request, 'latin1')).hears('fine\r\n\r\n')
    assert.equal(client.received, response)
  })
})

describe('TE', () => {
  it('ends here (RFC 9110 section 10.1.4), and the trailers of the response pass all the same', async () => {
    const seen: string[] = []
    const response = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`
    await using stack = await httpStack(recording(seen, END, response))
    for (const fields of ['TE: trailers\r\nConnection: TE\r\n', 'TE: trailers;q=0.5, gzip\r\n', '']) {
      const client = stack.open().send(`GET /a HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
      await client.hears('X-Sum: 1\r\n\r\n')
      assert.equal(client.received, response)
    }
    assert.doesNotMatch(seen.join(), /^(te|connection):/im)
  })

  it('does not help a client of HTTP/1.0: it has no chunks, so no trailers (RFC 9112 section 7.1)', async () => {
    const response = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`
    await using stack = await httpStack(recording([], END, response))
    const received = await stack.open().send('GET /a HTTP/1.0\r\nTE: trailers\r\n\r\n').toItsEnd()
    assert.match(received, /\r\n\r\nok$/)
    assert.doesNotMatch(received, /chunked|X-Sum/i)
  })
})
