import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { GET, type HttpStack, httpStack } from '../testing/http-stack.ts'
import { type OnReceived, silent } from '../testing/raw-server.ts'
import { HeldClock, portOf, sidecarWith } from '../testing/sidecar-with.ts'

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const OF_100 = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'

interface Outcome {
  readonly stack: HttpStack
  readonly client: Conversation
}

/** Sends a GET to an upstream with this behaviour. */
async function outcomeOf(behaviour: OnReceived, settings?: string): Promise<Outcome & AsyncDisposable> {
  const time = new HeldClock()
  const stack = await httpStack(behaviour, settings, time)
  const client = stack.open().send(GET)
  await eventually('the upstream to get it', () => stack.connections.length === 1)
  time.go()
  return { stack, client, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

/** Asserts that the client receives a problem response, and that its connection stays open. */
async function assertProblem({ stack, client }: Outcome, status: number, code: FailureCode): Promise<void> {
  await client.hears('"hint"')
  assert.match(client.received, new RegExp(`^HTTP/1.1 ${status} `))
  assert.match(client.received, new RegExp(`"code":"${code}"`))
  assert.equal(/Retry-After: \d/.test(client.received), status === 503)
  assert.doesNotMatch(client.received, /Connection: close/)
  assert.equal(stack.failures(code), 1)
  assert.equal(stack.responses(status), 1)
}

/** Asserts that the connection of the client is reset: it cannot take what it received for a complete response. */
async function assertReset({ stack, client }: Outcome, code: FailureCode): Promise<void> {
  await client.toItsEnd()
  assert.equal(client.ending, 'ECONNRESET')
  await eventually(`${code} to be counted`, () => stack.failures(code) === 1)
}

/** Sends `text` whenever something is received, and then does `last`. */
function sending(text: string, last: (socket: Socket) => void = () => undefined): OnReceived {
  return ({ socket }) => socket.write(text, 'latin1', () => last(socket))
}

/** Sends `start`, and then one byte every `ms` milliseconds without an end. */
function dripping(start: string, ms: number): OnReceived {
  return ({ socket }) => {
    socket.write(start)
    const timer = setInterval(() => socket.write('a'), ms)
    socket.once('close', () => clearInterval(timer))
  }
}

const end = (socket: Socket) => socket.end()

describe('without a server at the path, a client gets', () => {
  it('503 socket_missing when there is no file', async () => {
    await using stack = await httpStack(silent)
    await stack.server[Symbol.asyncDispose]()
    await assertProblem({ stack, client: stack.open().send(GET) }, 503, 'socket_missing')
  })

  it('502 not_a_socket when there is a regular file', async () => {
    await using stack = await httpStack(silent)
    await stack.server[Symbol.asyncDispose]()
    await writeFile(stack.socketPath, '')
    await assertProblem({ stack, client: stack.open().send(GET) }, 502, 'not_a_socket')
    await rm(stack.socketPath)
  })
})

describe('against a server that closes too early, a client gets', () => {
  it('502 upstream_reset when it closes before the response, and the request is not repeated', async () => {
    let requests = 0
    await using outcome = await outcomeOf(({ socket }) => {
      requests += 1
      socket.destroy()
    })
    await assertProblem(outcome, 502, 'upstream_reset')
    assert.equal(requests, 1)
  })

  it('502 upstream_reset when it closes in the middle of the head', async () => {
    await using outcome = await outcomeOf(sending('HTTP/1.1 200 OK\r\nContent-', end))
    await assertProblem(outcome, 502, 'upstream_reset')
  })

  it('502 upstream_reset when it closes after an interim response', async () => {
    await using outcome = await outcomeOf(sending('HTTP/1.1 103 Early Hints\r\n\r\n', end))
    await outcome.client.hears('"upstream_reset"')
  })

  for (const [what, start] of Object.entries({
    'a body with a length': `${OF_100}half`,
    'a chunk': `${CHUNKED}9\r\nhalf`,
    'a chunked body': `${CHUNKED}4\r\nhalf\r\n`,
  })) {
    it(`a reset when it closes in the middle of ${what}; counted as upstream_truncated`, async () => {
      await using outcome = await outcomeOf(sending(start, end))
      await assertReset(outcome, 'upstream_truncated')
      assert.ok(outcome.client.received.endsWith('half') || outcome.client.received.endsWith('half\r\n'))
    })
  }
})

describe('against a server that sends invalid HTTP, a client gets', () => {
  for (const garbage of [
    'SSH-2.0-OpenSSH_9.2\r\n',
    '\0\0\0\x04\0\0',
    '<html>',
    'HTTP/1.1 two hundred\r\n\r\n',
    'HTTP/2.0 200 OK\r\n\r\n',
  ]) {
    it(`502 upstream_malformed for ${JSON.stringify(garbage)}`, async () => {
      await using outcome = await outcomeOf(sending(garbage))
      await assertProblem(outcome, 502, 'upstream_malformed')
    })
  }

  it('502 upstream_malformed for two lengths', async () => {
    await using outcome = await outcomeOf(
      sending('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'),
    )
    await assertProblem(outcome, 502, 'upstream_malformed')
  })

  it('502 upstream_malformed for 101 Switching Protocols', async () => {
    await using outcome = await outcomeOf(sending('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'))
    await assertProblem(outcome, 502, 'upstream_malformed')
  })

  it('502 upstream_malformed for too many interim responses', async () => {
    await using outcome = await outcomeOf(sending('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40)))
    await outcome.client.hears('"upstream_malformed"')
  })

  it('502 upstream_malformed when the first chunk is invalid', async () => {
    await using outcome = await outcomeOf(sending(`${CHUNKED}nonsense`))
    await assertProblem(outcome, 502, 'upstream_malformed')
  })

  it('a reset when a later chunk is invalid; counted as upstream_malformed', async () => {
    await using outcome = await outcomeOf(sending(`${CHUNKED}4\r\nhalf\r\n`))
    await outcome.client.hears('half')
    outcome.stack.connections.at(-1)?.write('nonsense')
    await assertReset(outcome, 'upstream_malformed')
  })
})

describe('against a server that sends more than the limits allow, a client gets', () => {
  const settings = 'limits: {responseBytes: 1KiB}'

  it('502 upstream_too_large for the head', async () => {
    await using outcome = await outcomeOf(sending(`HTTP/1.1 200 OK\r\nA: ${'b'.repeat(40_000)}`))
    await assertProblem(outcome, 502, 'upstream_too_large')
  })

  it('502 upstream_too_large when Content-Length announces it', async () => {
    await using outcome = await outcomeOf(
      sending('HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n'),
      settings,
    )
    await assertProblem(outcome, 502, 'upstream_too_large')
  })

  it('502 upstream_too_large when the chunks come together with the head', async () => {
    const chunk = `7d0\r\n${'x'.repeat(2_000)}\r\n0\r\n\r\n`
    await using outcome = await outcomeOf(sending(`${CHUNKED}${chunk}`), settings)
    await assertProblem(outcome, 502, 'upstream_too_large')
  })

  it('a reset when the response has already begun; counted as upstream_too_large', async () => {
    await using outcome = await outcomeOf(sending('HTTP/1.1 200 OK\r\n\r\n'), settings)
    await outcome.client.hears('200 OK')
    outcome.stack.connections.at(-1)?.write('x'.repeat(2_000))
    await assertReset(outcome, 'upstream_too_large')
  })
})

describe('against a server that is too slow, a client gets', () => {
  it('504 upstream_timeout when it never responds, and the connection is closed', async () => {
    await using outcome = await outcomeOf(silent, 'timeouts: {responseHead: 100ms}')
    await assertProblem(outcome, 504, 'upstream_timeout')
    await eventually(
      'the connection to be closed',
      () => outcome.stack.connections.at(-1)?.readableEnded === true,
    )
  })

  it('504 upstream_timeout when it sends a head byte by byte without an end', async () => {
    const behaviour = dripping('HTTP/1.1 200 OK\r\n', 10)
    await using outcome = await outcomeOf(behaviour, 'timeouts: {responseHead: 200ms}')
    await assertProblem(outcome, 504, 'upstream_timeout')
  })

  it('a reset when it stops in the middle of a body; counted as upstream_timeout', async () => {
    await using outcome = await outcomeOf(sending(`${OF_100}half`), 'timeouts: {body: 100ms}')
    await assertReset(outcome, 'upstream_timeout')
  })

  it('a reset when the response takes longer than timeouts.total; counted as upstream_timeout', async () => {
    await using outcome = await outcomeOf(dripping(OF_100, 20), 'timeouts: {total: 300ms}')
    await assertReset(outcome, 'upstream_timeout')
  })
})

/** Whether more than `count` sockets, the listening one included, are connected to `path` (proc_net_unix(5)). */
async function isInBacklog(path: string, count: number): Promise<boolean> {
  const all = (await readFile('/proc/net/unix', 'utf8')).split('\n').filter((line) => line.endsWith(path))
  return all.length > count
}

describe('against a server that is killed with connections in its backlog, a client gets', () => {
  it('502 upstream_reset, not io_error', async () => {
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
    await eventually('the requests to be in the backlog', async () => await isInBacklog(path, 20))
    server.kill('SIGKILL')
    for (const client of clients)
      assert.match((await client.hears('"hint"')).received, /"code":"upstream_reset"/)
    for (const client of clients) client[Symbol.dispose]()
  })
})
