import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/eventually'
import { type HttpStack, httpStack } from '../../testing/http-stack.ts'
import { portOf } from '../../testing/sidecar-with.ts'

const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

interface Held extends HttpStack {
  /** Requests that the upstream has received and not answered. */
  readonly held: { readonly socket: Socket; readonly request: string }[]
}

/** An upstream that answers when the test says so. */
async function heldStack(settings = 'coalesce: true'): Promise<Held> {
  const held: Held['held'] = []
  const stack = await httpStack((dialogue) => {
    if (!dialogue.received.includes('\r\n\r\n')) return
    held.push({ socket: dialogue.socket, request: dialogue.received })
    dialogue.received = ''
  }, settings)
  return Object.assign(stack, { held })
}

/** As many clients, each having sent `request`, and all seen by the sidecar. */
async function ask(stack: Held, ...requests: string[]) {
  const clients = requests.map((request) => stack.open().send(request))
  const shared = () => stack.sidecar.routes[0]?.counters.coalesced ?? 0
  await eventually('all to wait', () => shared() + stack.held.length === requests.length)
  return clients
}

describe('a route that coalesces', () => {
  it('gives all that wait for the same the one answer', async () => {
    await using stack = await heldStack()
    const clients = await ask(stack, GET, GET, GET)
    assert.equal(stack.held.length, 1)
    stack.held[0]?.socket.write(OK)
    for (const client of clients) await client.hears('\r\n\r\nok')
    assert.equal(stack.sidecar.routes[0]?.counters.coalesced, 2)
    assert.equal(stack.answers(200), 3)
  })

  it('asks anew for who comes after the head of the answer', async () => {
    await using stack = await heldStack()
    const [first] = await ask(stack, GET)
    stack.held[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    await first?.hears('half')
    stack.open().send(GET)
    await eventually('the second to ask for itself', () => stack.held.length === 2)
  })

  it('asks apart for what is not the same', async () => {
    await using stack = await heldStack()
    const withField = (field: string) => GET.replace('\r\n\r\n', `\r\n${field}\r\n\r\n`)
    const apart = [
      GET,
      GET.replace('metrics', 'other'),
      withField('Accept: a'),
      withField('Accept: b'),
      GET.replace('Host: a', 'Host: b'),
    ]
    const never = [
      withField('Authorization: x'),
      withField('Authorization: x'),
      withField('Cookie: x'),
      withField('Cookie: x'),
    ]
    await ask(stack, ...apart, ...never, GET.replace('GET', 'HEAD'), GET.replace('GET', 'HEAD'))
    assert.equal(stack.held.length, apart.length + never.length + 2)
  })

  it('shares between scrapers whose deadlines and request ids differ', async () => {
    await using stack = await heldStack()
    const scrape = (seconds: number) =>
      GET.replace(
        '\r\n\r\n',
        `\r\nX-Prometheus-Scrape-Timeout-Seconds: ${seconds}\r\nX-Request-Id: ${seconds}\r\n\r\n`,
      )
    await ask(stack, scrape(10), scrape(5), GET)
    assert.equal(stack.held.length, 1)
  })

  it('gives up on one whose deadline is over, and serves the others', async () => {
    await using stack = await heldStack()
    const hurried = GET.replace('\r\n\r\n', '\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n\r\n')
    const [first, second] = await ask(stack, hurried, GET)
    await first?.hears('"upstream_timeout"')
    stack.held[0]?.socket.write(OK)
    await second?.hears('ok')
  })

  it('cancels at the upstream when the last has left', async () => {
    await using stack = await heldStack()
    const [first, second] = await ask(stack, GET, GET)
    first?.socket.resetAndDestroy()
    await eventually('the first to be gone', () => stack.answers(499) === 1)
    assert.equal(stack.connections[0]?.readableEnded, false)
    second?.socket.resetAndDestroy()
    await eventually('the upstream to be told', () => stack.connections[0]?.readableEnded === true)
  })

  it('fails all of them when the upstream does', async () => {
    await using stack = await heldStack()
    const clients = await ask(stack, GET, GET)
    stack.held[0]?.socket.destroy()
    for (const client of clients) await client.hears('"upstream_reset"')
  })

  it('cuts all of them off when the answer is cut', async () => {
    await using stack = await heldStack()
    const clients = await ask(stack, GET, GET)
    stack.held[0]?.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    for (const client of clients) {
      await client.toItsEnd()
      assert.equal(client.ending, 'ECONNRESET')
    }
  })

  it('serves the fast ones at their pace, whatever the slow ones do', async () => {
    await using stack = await heldStack()
    const slow = connect({ port: portOf(stack.sidecar), host: '127.0.0.1' }).on('error', () => slow.destroy())
    slow.write(GET)
    await eventually('the slow one to ask', () => stack.held.length === 1)
    const fast = stack.open().send(GET)
    await eventually('both to wait', () => stack.sidecar.routes[0]?.counters.coalesced === 1)
    const body = randomBytes(32 * 1_048_576).toString('base64')
    stack.held[0]?.socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await eventually('the fast one to have it all', () => fast.received.length > body.length)
    assert.ok(fast.received.endsWith(body.slice(-1_000)))
    slow.destroy()
  })
})

it('a route that does not coalesce asks for each', async () => {
  await using stack = await heldStack('coalesce: false')
  await ask(stack, GET, GET)
  assert.equal(stack.held.length, 2)
})
