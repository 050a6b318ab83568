import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { tempDirectory } from '../testing/files.ts'
import { type Peer, peerOf } from './peer.ts'

// What needs other users is in shared/test-as-root/peer.test.ts; the refusal without node:ffi in libc.test.ts.

/** Connects to a server at `address`, and gives what that server's handler sees of the client. */
async function seen<T>(address: string | number, look: (socket: Socket) => T | Promise<T>): Promise<T> {
  const result = Promise.withResolvers<T>()
  const server = createServer((socket) => {
    result.resolve(look(socket))
    socket.destroy()
  })
  server.listen(typeof address === 'number' ? { port: address, host: '127.0.0.1' } : address)
  await once(server, 'listening')
  const at = server.address()
  const client = typeof at === 'object' && at !== null ? connect(at.port, '127.0.0.1') : connect(String(at))
  client.on('error', () => client.destroy())
  try {
    return await result.promise
  } finally {
    client.destroy()
    server.close()
  }
}

describe('the peer of a Unix socket', () => {
  it('is the process that connected, with its user and groups', async () => {
    await using directory = await tempDirectory()
    const peer: Peer | undefined = await seen(directory.at('s'), peerOf)
    assert.deepEqual(
      [peer?.pid, peer?.uid, peer?.gid],
      [process.pid, process.geteuid?.(), process.getegid?.()],
    )
    const supplementary = new Set([...(peer?.groups ?? []), process.getegid?.()])
    assert.deepEqual(supplementary, new Set([...(process.getgroups?.() ?? []), process.getegid?.()]))
  })

  it('with an abstract name, is known too', async () => {
    const peer = await seen(`\0uds-peer-${process.pid}`, peerOf)
    assert.equal(peer?.uid, process.geteuid?.())
  })

  it('as the client sees it, is who listens', async () => {
    await using directory = await tempDirectory()
    const server = createServer((socket) => socket.destroy()).listen(directory.at('s'))
    await once(server, 'listening')
    const client = connect(directory.at('s'))
    await once(client, 'connect')
    assert.equal(peerOf(client)?.pid, process.pid)
    client.destroy()
    server.close()
  })
})

describe('the peer', () => {
  it('of a TCP socket, is not known, although the kernel tells an id', async () => {
    assert.equal(await seen(0, peerOf), undefined)
  })

  it('of a socket that was destroyed, is not known', async () => {
    await using directory = await tempDirectory()
    const look = async (socket: Socket) => {
      socket.destroy()
      const atOnce = peerOf(socket)
      await turn()
      return [atOnce, peerOf(socket)]
    }
    assert.deepEqual(await seen(directory.at('s'), look), [undefined, undefined])
  })

  it('of a socket that is not connected, is not known', () => {
    const socket = connect({ path: '/nothing/here.sock' }).on('error', () => undefined)
    assert.equal(peerOf(socket), undefined)
  })
})
