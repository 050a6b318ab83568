import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { type HttpStack, httpStack, type OnReceived } from '../testing/http-stack.ts'
import { portOf, sidecarWith } from '../testing/sidecar-with.ts'

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const OF_100 = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'

interface Outcome {
  readonly stack: HttpStack
  readonly client: Conversation
}

/** What a client gets from an upstream that behaves like this. */
async function outcomeOf(
  behaviour: OnReceived,
  settings?: string,
  request = GET,
): Promise<Outcome & AsyncDisposable> {
  const stack = await httpStack(behaviour, settings)
  const client = stack.open().send(request)
  return { stack, client, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

/** The client is told with a problem, and keeps its connection. */
async function assertProblem({ stack, client }: Outcome, status: number, code: FailureCode): Promise<void> {
  await client.hears('"hint"')
  assert.match(client.received, new RegExp(`^HTTP/1.1 ${status} `))
  assert.match(client.received, new RegExp(`"code":"${code}"`))
  assert.equal(/Retry-After: \d/.test(client.received), status === 503)
  assert.doesNotMatch(client.received, /Connection: close/)
  assert.equal(stack.failures(code), 1)
  assert.equal(stack.answers(status), 1)
}

/** The client sees an error after what had been forwarded: nothing that could pass for a whole response. */
async function assertCut({ stack, client }: Outcome, code: FailureCode): Promise<void> {
  await client.toItsEnd()
  assert.equal(client.ending, 'ECONNRESET')
  await eventually(`${code} to be counted`, () => stack.failures(code) === 1)
}

/** Sends the bytes, in one piece or byte by byte, and then does `last`. */
function saying(text: string, last: (socket: Socket) => void = () => undefined): OnReceived {
  return ({ socket }) => socket.write(text, 'latin1', () => last(socket))
}

const end = (socket: Socket) => socket.end()

/** Whether so many connections to the socket at `path` were sent something, as the kernel counts them. */
async function inBacklog(path: string, count: number): Promise<boolean> {
  const all = (await readFile('/proc/net/unix', 'utf8')).split('\n').filter((line) => line.endsWith(path))
  return all.length > count
}

describe('an upstream that cannot be reached is', () => {
  it('503 socket_missing where there is no file', async () => {
    await using stack = await httpStack(() => undefined)
    await stack.server[Symbol.asyncDispose]()
    await assertProblem({ stack, client: stack.open().send(GET) }, 503, 'socket_missing')
  })

  it('502 not_a_socket where there is a regular file', async () => {
    await using stack = await httpStack(() => undefined)
    await stack.server[Symbol.asyncDispose]()
    await writeFile(stack.socketPath, '')
    await assertProblem({ stack, client: stack.open().send(GET) }, 502, 'not_a_socket')
    await rm(stack.socketPath)
  })
})

describe('an upstream that', () => {
  it('accepts and closes is 502 upstream_reset', async () => {
    await using outcome = await outcomeOf(({ socket }) => socket.destroy())
    await assertProblem(outcome, 502, 'upstream_reset')
  })

  it('closes in the middle of the head is 502 upstream_reset', async () => {
    await using outcome = await outcomeOf(saying('HTTP/1.1 200 OK\r\nContent-', end))
    await assertProblem(outcome, 502, 'upstream_reset')
  })

  it('closes after an interim response is 502 upstream_reset', async () => {
    await using outcome = await outcomeOf(saying('HTTP/1.1 103 Early Hints\r\n\r\n', end))
    await outcome.client.hears('"upstream_reset"')
  })

  for (const [what, start] of Object.entries({
    'a body of a length': `${OF_100}half`,
    'a chunk': `${CHUNKED}9\r\nhalf`,
    chunks: `${CHUNKED}4\r\nhalf\r\n`,
  })) {
    it(`closes in the middle of ${what} has its client cut off: upstream_truncated`, async () => {
      await using outcome = await outcomeOf(saying(start, end))
      await assertCut(outcome, 'upstream_truncated')
      assert.ok(outcome.client.received.endsWith('half') || outcome.client.received.endsWith('half\r\n'))
    })
  }

  for (const garbage of [
    'SSH-2.0-OpenSSH_9.2\r\n',
    '\0\0\0\x04\0\0',
    '<html>',
    'HTTP/1.1 two hundred\r\n\r\n',
    'HTTP/2.0 200 OK\r\n\r\n',
  ]) {
    it(`sends ${JSON.stringify(garbage)} is 502 upstream_malformed`, async () => {
      await using outcome = await outcomeOf(saying(garbage))
      await assertProblem(outcome, 502, 'upstream_malformed')
    })
  }

  it('sends two lengths is 502 upstream_malformed', async () => {
    await using outcome = await outcomeOf(
      saying('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'),
    )
    await assertProblem(outcome, 502, 'upstream_malformed')
  })

  it('switches protocols is 502 upstream_malformed', async () => {
    await using outcome = await outcomeOf(saying('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'))
    await assertProblem(outcome, 502, 'upstream_malformed')
  })

  it('sends interim responses without end is upstream_malformed', async () => {
    await using outcome = await outcomeOf(saying('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40)))
    await outcome.client.hears('"upstream_malformed"')
  })

  it('breaks its chunks from the start is 502, later has its client cut off', async () => {
    await using early = await outcomeOf(saying(`${CHUNKED}nonsense`))
    await assertProblem(early, 502, 'upstream_malformed')
    await using late = await outcomeOf(saying(`${CHUNKED}4\r\nhalf\r\n`))
    await late.client.hears('half')
    late.stack.connections.at(-1)?.write('nonsense')
    await assertCut(late, 'upstream_malformed')
  })

  it('sends a huge head is 502 upstream_too_large', async () => {
    await using outcome = await outcomeOf(saying(`HTTP/1.1 200 OK\r\nA: ${'b'.repeat(40_000)}`))
    await assertProblem(outcome, 502, 'upstream_too_large')
  })

  it('sends a head without end, byte by byte, is 504 upstream_timeout', async () => {
    const drip: OnReceived = ({ socket }) => {
      const timer = setInterval(() => socket.write('a'), 10)
      socket.write('HTTP/1.1 200 OK\r\n')
      socket.once('close', () => clearInterval(timer))
    }
    await using outcome = await outcomeOf(drip, 'timeouts: {responseHead: 200ms}')
    await assertProblem(outcome, 504, 'upstream_timeout')
  })

  it('never answers is 504 upstream_timeout, and its connection is not used again', async () => {
    await using outcome = await outcomeOf(() => undefined, 'timeouts: {responseHead: 100ms}')
    await assertProblem(outcome, 504, 'upstream_timeout')
    await eventually(
      'the connection to be closed',
      () => outcome.stack.connections.at(-1)?.readableEnded === true,
    )
  })

  it('announces more than the limit is 502, and sends more has its client cut off: upstream_too_large', async () => {
    const settings = 'limits: {responseBytes: 1KiB}'
    await using announced = await outcomeOf(
      saying('HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n'),
      settings,
    )
    await assertProblem(announced, 502, 'upstream_too_large')
    await using sent = await outcomeOf(saying('HTTP/1.1 200 OK\r\n\r\n'), settings)
    await sent.client.hears('200 OK')
    sent.stack.connections.at(-1)?.write('x'.repeat(2_000))
    await assertCut(sent, 'upstream_too_large')
  })

  it('sends more than the limit with its head is 502 upstream_too_large', async () => {
    const chunk = `7d0\r\n${'x'.repeat(2_000)}\r\n0\r\n\r\n`
    const chunked = saying(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`)
    await using outcome = await outcomeOf(chunked, 'limits: {responseBytes: 1KiB}')
    await assertProblem(outcome, 502, 'upstream_too_large')
  })

  it('stalls in the middle of a body has its client cut off: upstream_timeout', async () => {
    await using outcome = await outcomeOf(saying(`${OF_100}half`), 'timeouts: {body: 100ms}')
    await assertCut(outcome, 'upstream_timeout')
  })

  it('takes longer than the total has its client cut off: upstream_timeout', async () => {
    const drip: OnReceived = ({ socket }) => {
      socket.write(OF_100)
      const timer = setInterval(() => socket.write('a'), 20)
      socket.once('close', () => clearInterval(timer))
    }
    await using outcome = await outcomeOf(drip, 'timeouts: {total: 300ms}')
    await assertCut(outcome, 'upstream_timeout')
  })

  it('answers twice answers once: the rest and its connection are dropped', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'
    await using outcome = await outcomeOf(saying(`${answer}ok${answer}no`))
    const { client, stack } = outcome
    await client.hears('ok')
    await client.send(GET).hears('okHTTP/1.1 200 OK')
    assert.doesNotMatch(client.received, /no/)
    assert.equal(stack.connections.length, 2)
  })

  it('answers when nobody asked has its connection dropped, and the client never sees it', async () => {
    let first: Socket | undefined
    await using outcome = await outcomeOf((dialogue) => {
      first ??= dialogue.socket
      dialogue.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const { client, stack } = outcome
    await client.hears('ok')
    first?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await eventually('the connection to be closed', () => stack.connections.at(-1)?.readableEnded === true)
    await client.send(GET).hears('okHTTP/1.1 200 OK')
    assert.doesNotMatch(client.received, /evil/)
  })

  it('answers before the request ends: the client gets the response, and the end of its connection', async () => {
    const date = 'Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
    const answer = `HTTP/1.1 413 Too Large\r\n${date}Content-Length: 2\r\n\r\nno`
    const post = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nstart'
    const once: OnReceived = ({ socket }) => {
      if (socket.writable) socket.end(answer)
    }
    await using outcome = await outcomeOf(once, '', post)
    const text = await outcome.client.toItsEnd()
    assert.equal(text, `HTTP/1.1 413 Too Large\r\nConnection: close\r\n${date}Content-Length: 2\r\n\r\nno`)
    assert.equal(outcome.client.ending, 'end')
  })

  it('answers and closes while the request still comes: the client gets the response all the same', async () => {
    const answer = 'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'
    const answered = new Set<Socket>()
    const rude: OnReceived = ({ socket }) => {
      if (!answered.has(socket)) socket.write(answer, () => socket.destroy())
      answered.add(socket)
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

  it('closes an idle connection just before it is used: an idempotent request is tried once more', async () => {
    let requests = 0
    const flaky: OnReceived = ({ socket }) => {
      requests += 1
      if (requests === 2) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }
    await using outcome = await outcomeOf(flaky)
    await outcome.client.hears('ok')
    await outcome.client.send(GET).hears('okHTTP/1.1 200 OK')
    assert.equal(requests, 3)
    assert.equal(outcome.stack.failures('upstream_reset'), 0)
  })

  it('does the same to a POST: it is not tried again', async () => {
    let requests = 0
    const flaky: OnReceived = ({ socket }) => {
      requests += 1
      if (requests === 2) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }
    await using outcome = await outcomeOf(flaky)
    await outcome.client.hears('ok')
    await outcome.client
      .send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
      .hears('"upstream_reset"')
    assert.equal(requests, 2)
  })

  it('closes a connection that is used again loses no request, whatever its method', async () => {
    const requests: string[] = []
    const used = new Set<Socket>()
    /** Closes when it is used for the second time, as a server whose end of the connection is still on its way. */
    const closing: OnReceived = (dialogue) => {
      if (used.has(dialogue.socket)) dialogue.socket.destroy()
      else if (/\r\n\r\nabc$/.test(dialogue.received)) {
        used.add(dialogue.socket)
        requests.push(dialogue.received.slice(0, dialogue.received.indexOf(' ')))
        dialogue.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }
    }
    await using stack = await httpStack(closing, 'allow: [GET|POST|PUT|PATCH|DELETE|PROPFIND /*]')
    const client = stack.open()
    const all: string[] = []
    for (let round = 0; round < 20; round++)
      for (const method of ['POST', 'GET', 'PATCH', 'PUT', 'PROPFIND', 'DELETE']) {
        all.push(method)
        await client.send(`${method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`)
        await client.hears('ok')
        assert.match(client.received, /^HTTP\/1.1 200 OK/, method)
        client.received = ''
      }
    const once = (method: string) => ['POST', 'PATCH', 'PROPFIND'].includes(method)
    assert.deepEqual(requests.filter(once), all.filter(once))
    assert.equal(stack.failures('upstream_reset'), 0)
  })

  it('keeps its connections open: requests that need new ones leave one behind, not one each', async () => {
    const kept: OnReceived = (dialogue) => {
      if (!dialogue.received.endsWith('\r\n\r\nabc')) return
      dialogue.received = ''
      dialogue.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }
    await using stack = await httpStack(kept)
    const client = stack.open()
    for (let count = 1; count <= 20; count++) {
      await client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc').hears('ok')
      client.received = ''
      assert.equal(stack.connections.length, count)
    }
    const open = () =>
      stack.connections.filter(({ readableEnded, destroyed }) => !readableEnded && !destroyed)
    await eventually('one of them to be left', () => open().length === 1)
  })

  it('is killed with connections in its backlog is upstream_reset, not io_error', async () => {
    await using directory = await tempDirectory()
    const path = `${directory.path}/backlog`
    const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGSTOP'))`
    const server = spawn(process.execPath, ['-e', program], { stdio: 'ignore' })
    using _server = { [Symbol.dispose]: () => void server.kill('SIGKILL') }
    await eventually('the server to have stopped', async () =>
      /^State:\tT/m.test(await readFile(`/proc/${server.pid}/status`, 'utf8')),
    )
    await using sidecar = await sidecarWith(
      `routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${path}", allow: ["POST /a"]}]`,
    )
    const clients = Array.from({ length: 20 }, () => new Conversation(portOf(sidecar)))
    for (const client of clients) client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')
    await eventually('the requests to be in the backlog', async () => await inBacklog(path, 20))
    server.kill('SIGKILL')
    for (const client of clients)
      assert.match((await client.hears('"hint"')).received, /"code":"upstream_reset"/)
    for (const client of clients) client[Symbol.dispose]()
  })

  it('fails a request on a new connection: it is not tried again', async () => {
    let requests = 0
    await using outcome = await outcomeOf(({ socket }) => {
      requests += 1
      socket.destroy()
    })
    await assertProblem(outcome, 502, 'upstream_reset')
    assert.equal(requests, 1)
  })
})
