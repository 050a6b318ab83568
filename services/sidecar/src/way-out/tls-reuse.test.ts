import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { GET, OK } from '../testing/http-stack.ts'
import { type Partner, partner, type WayOutStack, wayOutStack } from '../testing/partner.ts'
import { type OnReceived, responding } from '../testing/raw-server.ts'
import { UpstreamTls } from './upstream-tls.ts'

const NAME = 'api.example.org'
const POST = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
let ca: Authority
let pair: KeyPair
before(async () => {
  ca = await Authority.create()
  pair = await ca.issue({ names: `DNS:${NAME}` })
  return () => ca[Symbol.asyncDispose]()
})

function route({ port }: Partner, more = ''): Promise<WayOutStack> {
  return wayOutStack(`upstream: "tcp://${NAME}:${port}", upstreamTls: {ca: ${ca.certFile}}${more}`)
}

/** The connections on which the partner received a request. */
function used({ sockets }: Partner): TLSSocket[] {
  return sockets.filter((socket) => socket.bytesRead > 0) as TLSSocket[]
}

/** Sends these one after the other, each after the response to the one before. */
async function exchange(stack: WayOutStack, ...requests: string[]): Promise<string> {
  const app = stack.open()
  let all = ''
  for (const text of requests) {
    app.received = ''
    await app.send(text).hears('\r\n\r\n')
    all += `${app.received.slice(0, 12)},`
  }
  return all
}

const WELL = 'HTTP/1.1 200,'

describe('a connection with TLS to an upstream', () => {
  it('has taken a write at once, so that its buffer may be used again', async () => {
    await using server = await partner(responding(OK), pair)
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: server.port } as const
    const settings = { ca: ca.certFile, serverName: NAME, minVersion: 'TLSv1.3' } as const
    const log = createLog('sidecar', 'silent')
    using tls = await UpstreamTls.load({
      settings,
      endpoint,
      isHttp: true,
      log,
      counters: { reloadFailures: 0 },
    })
    const socket = await dial(endpoint, { tls: tls.dialOptions() })
    socket.on('error', () => socket.destroy()).write(GET)
    assert.equal(socket.writableLength, 0)
    socket.destroy()
  })

  it('serves one request after the other, also those that cannot be sent twice', async () => {
    await using server = await partner(responding(OK), pair)
    await using stack = await route(server)
    assert.equal(await exchange(stack, GET, POST, POST, GET, POST), WELL.repeat(5))
    assert.equal(used(server).length, 1)
  })

  it('does not serve those when its server may have closed it by now', async () => {
    const short = OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=0\r\n\r\n')
    await using server = await partner(responding(short), pair)
    await using stack = await route(server)
    assert.equal(await exchange(stack, POST, POST, POST), WELL.repeat(3))
    assert.equal(used(server).length, 3)
  })

  it('over plain TCP serves those only if it was opened for them', async () => {
    await using server = await partner(responding(OK))
    await using stack = await wayOutStack(`upstream: "tcp://${NAME}:${server.port}"`)
    assert.equal(await exchange(stack, GET, POST, POST), WELL.repeat(3))
    assert.equal(used(server).length, 3)
  })

  it('that dies costs a request that can be sent twice nothing', async () => {
    const { behaviour, seen } = dyingAtTheSecond()
    await using server = await partner(behaviour, pair)
    await using stack = await route(server)
    assert.equal(await exchange(stack, GET, GET), WELL.repeat(2))
    assert.deepEqual(seen, ['GET', 'GET', 'GET'])
  })

  it('that dies under a POST fails it, and the POST is not repeated', async () => {
    const { behaviour, seen } = dyingAtTheSecond()
    await using server = await partner(behaviour, pair)
    await using stack = await route(server)
    assert.equal(await exchange(stack, GET, POST), `${WELL}HTTP/1.1 502,`)
    assert.deepEqual(seen, ['GET', 'POST'])
    assert.equal(stack.failures('upstream_reset'), 1)
  })

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`resumes the session of the one before (${maxVersion})`, async () => {
      const last = OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
      await using server = await partner(responding(last), { ...pair, maxVersion })
      await using stack = await route(server)
      await exchange(stack, GET, GET, GET)
      const resumed = used(server).filter((socket) => socket.isSessionReused())
      assert.ok(resumed.length >= 2, `${resumed.length} of ${used(server).length}`)
    })
})

/** Closes the connection at the second request; the methods that came are in `seen`. */
function dyingAtTheSecond() {
  const seen: string[] = []
  const behaviour: OnReceived = (dialogue) => {
    seen.push(dialogue.received.split(' ', 1)[0] ?? '')
    dialogue.received = ''
    if (seen.length === 2) dialogue.socket.destroy()
    else dialogue.socket.write(OK)
  }
  return { behaviour, seen }
}
