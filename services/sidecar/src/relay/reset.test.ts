import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { reset } from './port.ts'

/** Both ends of a TCP connection. */
async function pair(): Promise<[client: Socket, server: Socket]> {
  const listening = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const accepted = once(listening, 'connection')
  const client = connect((listening.address() as AddressInfo).port, '127.0.0.1')
  const [server] = await accepted
  listening.close()
  return [client, server]
}

describe('reset()', () => {
  it('gives the other side ECONNRESET', async () => {
    const [client, server] = await pair()
    reset(server)
    const [error] = await once(client, 'error')
    assert.equal(error.code, 'ECONNRESET')
  })

  it('closes a connection that is just ending without an error, and frees its handle', async () => {
    const [client, server] = await pair()
    const handles = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = handles()
    const closed = [once(client.resume(), 'close'), once(server, 'close')]
    server.end()
    reset(server)
    client.end()
    await Promise.all(closed)
    assert.equal(handles(), before - 2)
  })
})
