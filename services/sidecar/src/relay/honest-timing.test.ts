import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { aTurn } from '../testing/conversation.ts'
import { GET, httpStack } from '../testing/http-stack.ts'
import { mirror, silent } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

describe('an extra empty line after a body', () => {
  const POST = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab'

  it('does not lead to a 408, complete or in halves', async () => {
    for (const pieces of [['\r\n'], ['\r', '\n'], ['\r\n\r\n'], ['\r']]) {
      await using stack = await httpStack(mirror, 'timeouts: {head: 100ms, idle: 500ms}')
      const client = await stack.openAndWait()
      client.socket.setNoDelay(true)
      await client.send(POST).hears('X-Request-Id')
      for (const piece of pieces) {
        client.send(piece)
        await aTurn()
      }
      assert.doesNotMatch(await client.toItsEnd(), /408/, JSON.stringify(pieces))
      assert.equal(client.ending, 'end')
      assert.equal(stack.failures('client_timeout'), 0)
    }
  })

  it('does not break the next request', async () => {
    await using stack = await httpStack(mirror)
    const client = stack.open().send(`${POST}\r\n\r\n${GET.replace('/a', '/next')}`)
    await client.hears('GET /next HTTP/1.1')
  })
})

describe('a scraper whose timeout is too short', () => {
  it('gets 408 client_timeout, which does not count against the upstream', async () => {
    await using stack = await httpStack(silent)
    for (const seconds of ['0.001', '0.0001', '0.4'])
      await stack
        .open()
        .send(GET.replace('Host', `X-Prometheus-Scrape-Timeout-Seconds: ${seconds}\r\nHost`))
        .hears('"client_timeout"')
    assert.equal(stack.responses(408), 3)
    assert.equal(stack.failures('upstream_timeout'), 0)
    assert.equal(stack.sidecar.routes[0]?.upstream?.isTroubled, false)
  })
})

/** Keeps sending for `ms` milliseconds: longer than the sidecar waits for a client that sends nothing. */
async function sendFor(client: Socket, ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end)
    await new Promise<void>((resolve) => client.write(Buffer.alloc(10_000), () => resolve()))
}

describe('a refusal during an upload', () => {
  const refusals: Record<string, [settings: string, status: number]> = {
    '413': ['limits: {bodyBytes: 1KiB}', 413],
    '403': ['allow: [GET /b]', 403],
    '405': ['allow: [GET /a]', 405],
  }
  for (const [what, [settings, status]] of Object.entries(refusals))
    it(`with ${what} reaches a client that first finishes sending and then reads`, async () => {
      await using stack = await httpStack(mirror, settings)
      const client = connect({ port: portOf(stack.sidecar), host: '127.0.0.1', allowHalfOpen: true })
      const errors: Error[] = []
      client.on('error', (error) => errors.push(error))
      client.pause()
      client.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n')
      await eventually('it to be refused', () => stack.responses(status) === 1)
      await sendFor(client, 2_500)
      let text = ''
      client.setEncoding('latin1').on('data', (piece) => {
        text += piece
      })
      client.resume().end()
      await eventually('the whole response', () => client.readableEnded)
      assert.match(text, new RegExp(`^HTTP/1.1 ${status} `))
      assert.deepEqual(errors, [])
    })

  it('closes the connection of a client that sends nothing more', async () => {
    await using stack = await httpStack(mirror, 'limits: {bodyBytes: 1KiB}')
    const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n')
    await client.toItsEnd()
    await eventually(
      'the connection to be closed',
      () => stack.sidecar.routes[0]?.counters.connectionsOpen === 0,
    )
  })
})
