import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { DATE, GET, type HttpStack, httpStack } from '../testing/http-stack.ts'
import type { OnReceived } from '../testing/raw-server.ts'

const END = '\r\n\r\n'

/** Responds to the n-th request with the n-th response; to all later requests with the last one. */
function inTurn(...responses: string[]): OnReceived {
  let count = 0
  return (dialogue) => {
    if (!dialogue.received.includes(END)) return
    dialogue.received = ''
    dialogue.socket.write(responses[Math.min(count++, responses.length - 1)] ?? '', 'latin1')
  }
}

/** What a client receives for one request, up to `end`. */
async function responseTo(stack: HttpStack, request: string, end: string): Promise<string> {
  return (await stack.open().send(request).hears(end)).received
}

const OTHER = `HTTP/1.1 299 Other\r\n${DATE}Content-Length: 5\r\n\r\nother`
const STRAY = `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 4\r\n\r\nevil`

describe('a response to HEAD, or with status 204 or 304,', () => {
  const FRAMINGS: Record<string, string> = {
    'a length': 'Content-Length: 5\r\n',
    'two lengths': 'Content-Length: 5\r\nContent-Length: 6\r\n',
    'a length that is no number': 'Content-Length: five\r\n',
    chunks: 'Transfer-Encoding: chunked\r\n',
    'another coding': 'Transfer-Encoding: gzip\r\n',
    'length and chunks': 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'no framing field': '',
  }
  for (const [what, fields] of Object.entries(FRAMINGS))
    for (const [method, status] of [
      ['GET', '204 No Content'],
      ['GET', '304 Not Modified'],
      ['HEAD', '200 OK'],
    ] as const)
      it(`ends with its head: ${method} ${status} with ${what}`, async () => {
        const first = `HTTP/1.1 ${status}\r\n${DATE}${fields}\r\n`
        await using stack = await httpStack(inTurn(first, OTHER))
        const client = await stack
          .open()
          .send(`${method} /a HTTP/1.1\r\nHost: a\r\n\r\n${GET}`)
          .hears('other')
        assert.match(client.received, new RegExp(`^HTTP/1.1 ${status}\r\n`))
        const [head = ''] = client.received.split(END)
        assert.ok(status !== '204 No Content' || !/Content-Length|Transfer-Encoding/.test(head), head)
        assert.equal(stack.responses(502), 0)
      })

  for (const [method, status, fields] of [
    ['GET', '204 No Content', 'Content-Length: 5\r\n'],
    ['GET', '204 No Content', 'Transfer-Encoding: chunked\r\n'],
    ['GET', '304 Not Modified', 'Content-Length: 5\r\n'],
    ['HEAD', '200 OK', 'Content-Length: 5\r\n'],
    ['HEAD', '200 OK', 'Transfer-Encoding: chunked\r\n'],
    ['HEAD', '200 OK', ''],
  ] as const)
    it(`leaves no bytes for the next client: ${method} ${status} ${fields.trim()}`, async () => {
      const used = new Set<Socket>()
      let count = 0
      /** The body of the first response comes late: when its connection is reused. */
      const late: OnReceived = ({ socket, received }) => {
        if (!received.includes(END)) return
        count += 1
        if (used.has(socket)) socket.write(STRAY)
        else socket.write(count === 1 ? `HTTP/1.1 ${status}\r\n${DATE}${fields}\r\n` : OTHER)
        used.add(socket)
      }
      await using stack = await httpStack(late)
      await stack.open().send(`${method} /a HTTP/1.1\r\nHost: a\r\n\r\n`).hears(END)
      assert.match(await responseTo(stack, GET, 'other'), /^HTTP\/1.1 299 /)
      assert.equal(stack.connections.length, 2)
    })
})

describe('a response with', () => {
  const CHUNKED = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n`
  const chunked: Record<string, [sent: string, received: string]> = {
    'a space after a chunk size': ['5 \r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n'],
    'tabs after a chunk size': ['5\t\t\r\nhello\r\n0 \r\n\r\n', '5\r\nhello\r\n0\r\n\r\n'],
    'a space before an extension': ['5 ;a=b\r\nhello\r\n0\r\n\r\n', '5;a=b\r\nhello\r\n0\r\n\r\n'],
    'spaces in an extension': ['5; a = b ; c\r\nhello\r\n0\r\n\r\n', '5;a=b;c\r\nhello\r\n0\r\n\r\n'],
    'spaces in a quoted value': ['5;a="b c" \r\nhello\r\n0\r\n\r\n', '5;a="b c"\r\nhello\r\n0\r\n\r\n'],
    'a size of 16 digits': [
      '0000000000000005\r\nhello\r\n0000\r\n\r\n',
      '0000000000000005\r\nhello\r\n0000\r\n\r\n',
    ],
    'a trailer of 65 letters': [
      `5\r\nhello\r\n0\r\n${'L'.repeat(65)}: 1\r\n\r\n`,
      `5\r\nhello\r\n0\r\n${'L'.repeat(65)}: 1\r\n\r\n`,
    ],
    'a trailer with _': ['5\r\nhello\r\n0\r\nX_Sum: 1\r\n\r\n', '5\r\nhello\r\n0\r\nX_Sum: 1\r\n\r\n'],
    'a trailer that belongs into the head': [
      '5\r\nhello\r\n0\r\nA: 1\r\nContent-Length: 5\r\nB: 2\r\n\r\n',
      '5\r\nhello\r\n0\r\nA: 1\r\nB: 2\r\n\r\n',
    ],
  }
  for (const [what, [sent, expected]] of Object.entries(chunked))
    it(`${what} arrives, in one piece and byte by byte`, async () => {
      for (const step of [CHUNKED.length + sent.length, 1]) {
        await using stack = await httpStack(({ socket }) => {
          socket.setNoDelay(true)
          const text = CHUNKED + sent
          for (let at = 0; at < text.length; at += step) socket.write(text.slice(at, at + step))
        })
        const client = stack.open().send(GET.replace(END, '\r\nConnection: close\r\n\r\n'))
        const text = await client.toItsEnd()
        assert.equal(text.replace('Connection: close\r\n', ''), CHUNKED + expected)
        assert.equal(client.ending, 'end')
      }
    })

  const heads: Record<string, [sent: string, received: RegExp]> = {
    'fields with _': ['X_Y: z\r\nContent_Length: 9\r\nContent-Length: 5\r\n', /\r\nX_Y: z\r\n/],
    'a tab after its length': ['Content-Length: 5\t\r\n', /\r\nContent-Length: 5\r\n/],
    'a tab before its length': ['Content-Length:\t5\r\n', /\r\nContent-Length:\t5\r\n/],
    'a length of 16 digits': ['Content-Length: 0000000000000005\r\n', /\r\nContent-Length: 5\r\n/],
    'a Connection that names X-Request-Id': [
      'X-Request-Id: 1\r\nConnection: X-Request-Id\r\nContent-Length: 5\r\n',
      /^(?!.*X-Request-Id)/s,
    ],
    'a Connection that names its length': [
      'Connection: Content-Length\r\nContent-Length: 5\r\n',
      /\r\nContent-Length: 5\r\n/,
    ],
    'a malformed Connection': [
      'Connection: "keep" alive\r\nContent-Length: 5\r\n',
      /\r\nContent-Length: 5\r\n/,
    ],
  }
  for (const [what, [fields, expected]] of Object.entries(heads))
    it(`${what} arrives`, async () => {
      await using stack = await httpStack(inTurn(`HTTP/1.1 200 OK\r\n${DATE}${fields}\r\nhello`))
      const text = await responseTo(stack, GET, 'hello')
      assert.match(text, /^HTTP\/1.1 200 OK\r\n/)
      assert.match(text, expected)
      assert.doesNotMatch(text, /Content_Length/)
    })

  it('a tab after its coding arrives as plain chunked', async () => {
    const head = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\t\r\n\r\n`
    await using stack = await httpStack(inTurn(`${head}5\r\nhello\r\n0\r\n\r\n`))
    assert.match(await responseTo(stack, GET, '0\r\n\r\n'), /\r\nTransfer-Encoding: chunked\r\n/)
  })

  it('more fields than limits.fields is 502 upstream_too_large; as many as the limit arrive', async () => {
    const head = `HTTP/1.1 200 OK\r\n${DATE}${'A: b\r\n'.repeat(200)}Content-Length: 2\r\n\r\nok`
    await using refused = await httpStack(inTurn(head))
    assert.match(
      await responseTo(refused, GET, '"hint"'),
      /^HTTP\/1.1 502 .*"upstream_too_large".*limits.fields/s,
    )
    await using taken = await httpStack(inTurn(head), 'limits: {fields: 202}')
    assert.match(await responseTo(taken, GET, '\r\n\r\nok'), /^HTTP\/1.1 200 OK/)
  })
})

describe('an HTTP/1.0 client', () => {
  const GET_1_0 = 'GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'

  it('gets no Transfer-Encoding in a response to HEAD or a 304', async () => {
    for (const [request, status] of [
      [GET_1_0.replace('GET', 'HEAD'), '200 OK'],
      [GET_1_0, '304 Not Modified'],
    ] as const) {
      await using stack = await httpStack(
        inTurn(`HTTP/1.1 ${status}\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n`),
      )
      assert.doesNotMatch(await responseTo(stack, request, END), /Transfer-Encoding/)
    }
  })

  it('gets Connection: keep-alive or close also in a response of the sidecar itself', async () => {
    await using stack = await httpStack(inTurn(''), 'allow: [GET /b]')
    const client = stack.open().send(GET_1_0)
    await client.hears('"path_not_allowed"')
    assert.match(client.received, /\r\nConnection: keep-alive\r\n/)
    client.received = ''
    assert.match(await client.send('GET /a HTTP/1.0\r\n\r\n').toItsEnd(), /\r\nConnection: close\r\n/)
  })
})

describe('an interim response', () => {
  it('is forwarded without hop-by-hop and framing fields', async () => {
    const interim =
      'HTTP/1.0 103 Early Hints\r\nLink: a\r\nConnection: X, close\r\nX: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n'
    await using stack = await httpStack(
      inTurn(`${interim}HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\n\r\nok`),
    )
    const text = await responseTo(stack, GET, '\r\n\r\nok')
    assert.equal(
      text,
      `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\n\r\nok`,
    )
  })
})

describe('Date', () => {
  it('is added exactly when the upstream sends none', async () => {
    await using without = await httpStack(inTurn('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    const text = await responseTo(without, GET, '\r\n\r\nok')
    const [, date = ''] = /\r\nDate: ([^\r]+ GMT)\r\n/.exec(text) ?? []
    assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60_000, text)
    await using dropped = await httpStack(
      inTurn(`HTTP/1.1 200 OK\r\nConnection: Date\r\n${DATE}Content-Length: 2\r\n\r\nok`),
    )
    assert.equal((await responseTo(dropped, GET, 'ok')).match(/Date: /g)?.length, 1)
    await using given = await httpStack(inTurn(`HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\n\r\nok`))
    assert.equal((await responseTo(given, GET, 'ok')).match(/Date: .*/g)?.join(), DATE.trim())
  })
})

describe('an upstream that announces how long it keeps a connection open', () => {
  for (const value of [
    'timeout=1',
    'max=9, timeout=1',
    'max=9,timeout = 1',
    'MAX=9; Timeout="1"',
    'timeout=1, max=9',
  ])
    it(`has it closed by then: Keep-Alive: ${value}`, async () => {
      await using stack = await httpStack(
        inTurn(`HTTP/1.1 200 OK\r\nKeep-Alive: ${value}\r\nContent-Length: 2\r\n\r\nok`),
        'timeouts: {upstreamIdle: 1h}',
      )
      await stack.open().send(GET).hears('ok')
      await eventually('the idle connection to be closed', () => stack.connections[0]?.readableEnded === true)
    })
})
