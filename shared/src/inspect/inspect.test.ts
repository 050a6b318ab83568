import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type AbstractEndpoint, nodeAddress, type UnixEndpoint } from '../endpoint/endpoint.ts'
import { listen } from '../listen/listen.ts'
import { inspect } from './inspect.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inspect-'))
})
after(() => rm(directory, { recursive: true }))

const at = (name: string): UnixEndpoint => ({ kind: 'unix', path: join(directory, name) })

describe('inspect', () => {
  it('of a live socket reports directories, file, listener and connection', async () => {
    await using server = createServer((socket) => socket.destroy()).listen(at('live.sock').path)
    await once(server, 'listening')
    const { addressBytes, directories, file, kernel, connection } = await inspect(at('live.sock'))
    assert.equal(addressBytes, Buffer.byteLength(at('live.sock').path))
    assert.deepEqual(directories.map(({ path }) => path).slice(0, 1), ['/'])
    assert.equal(directories.at(-1)?.path, directory)
    assert.equal(file?.facts?.kind, 'socket')
    assert.equal(kernel, process.platform === 'linux' ? 'listening' : 'unknown')
    assert.equal(connection.connected, true)
  })

  it('finds the listener of a socket that the bind protocol published', async () => {
    await using _listener = await listen(createServer(), at('published.sock'))
    const { kernel } = await inspect(at('published.sock'))
    assert.equal(kernel, process.platform === 'linux' ? 'listening' : 'unknown')
  })

  it('of a stale socket reports a file and no listener', async () => {
    const server = createServer().listen(at('before.sock').path)
    await once(server, 'listening')
    await rename(at('before.sock').path, at('stale.sock').path)
    await server[Symbol.asyncDispose]()
    const { file, kernel, connection } = await inspect(at('stale.sock'))
    assert.equal(file?.facts?.kind, 'socket')
    assert.equal(kernel, process.platform === 'linux' ? 'unseen' : 'unknown')
    assert.equal(connection.connected ? 'connected' : connection.failure.code, 'socket_stale')
  })

  it('ends at the first missing directory', async () => {
    const { directories, file } = await inspect(at('no/such/a.sock'))
    assert.deepEqual(
      { path: directories.at(-1)?.path, errno: directories.at(-1)?.errno },
      { path: join(directory, 'no'), errno: 'ENOENT' },
    )
    assert.equal(file, null)
  })

  it('ends at a file in the place of a directory', async () => {
    await writeFile(at('file').path, '')
    const { directories } = await inspect(at('file/a.sock'))
    assert.equal(directories.at(-1)?.errno, 'ENOTDIR')
    assert.equal(dirname(at('file/a.sock').path), directories.at(-1)?.path)
  })

  it('of an abstract name reports no file, and whether somebody listens', async () => {
    const endpoint: AbstractEndpoint = { kind: 'abstract', name: `inspect-${process.pid}` }
    assert.equal((await inspect(endpoint)).kernel, 'unseen')
    await using server = createServer((socket) => socket.destroy()).listen(nodeAddress(endpoint))
    await once(server, 'listening')
    const { kernel, file, connection } = await inspect(endpoint)
    assert.deepEqual(
      { kernel, file, connected: connection.connected },
      { kernel: 'listening', file: null, connected: true },
    )
  })

  it('of TCP reports only the connection', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await server[Symbol.asyncDispose]()
    const { addressBytes, connection } = await inspect({ kind: 'tcp', host: '127.0.0.1', port })
    assert.equal(addressBytes, null)
    assert.equal(connection.connected ? 'connected' : connection.failure.code, 'connection_refused')
  })
})
