import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { dial } from '../dial/dial.ts'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { tempDirectory } from '../testing/files.ts'
import { eventually } from '../testing/waiting.ts'
import { Connections } from './connections.ts'
import { listen } from './listen.ts'
import { Listener } from './listener.ts'

const CLIENTS = 300
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

describe('a listener that is closed', () => {
  it('while an HTTP client reads slowly, sends the whole response', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const server = createHttpServer((_request, response) => response.end(Buffer.alloc(8_000_000, 'x')))
    const listener = await listen(server, endpoint)
    const client = await dial(endpoint)
    client.end(GET)
    await once(client, 'readable')
    const ending = listener.close()
    await eventually('the server accepts no more', () => !server.listening)
    const response = await text(client)
    assert.equal(response.length - response.indexOf('\r\n\r\n') - 4, 8_000_000)
    assert.deepEqual(await ending, { reason: 'closed', cut: 0 })
  })

  it('while an HTTP response is in progress, asks the client to use another connection', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const asked = Promise.withResolvers<ServerResponse>()
    const server = createHttpServer((_request, response) => asked.resolve(response))
    const listener = await listen(server, endpoint)
    const client = await dial(endpoint)
    client.write(GET)
    const response = await asked.promise
    const ending = listener.close()
    response.end('late')
    assert.match(await text(client), /^connection: close\r$/im)
    assert.equal((await ending).cut, 0)
  })

  it('while an HTTP connection is between two requests, closes it and cuts nothing', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const listener = await listen(
      createHttpServer((_request, response) => response.end('ok')),
      endpoint,
    )
    const client = await dial(endpoint)
    client.write(GET)
    await once(client, 'data')
    assert.deepEqual(await listener.close(), { reason: 'closed', cut: 0 })
    assert.equal(await text(client), '')
  })

  it('on a socket that was passed, waits for the request of a connection that it has just accepted', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const server = createHttpServer((_request, response) => response.end('ok'))
    await once(server.listen(endpoint.path), 'listening')
    const parts = { isPassed: true, unlinkOnClose: false, watch: false, drainMs: 60_000 }
    const listener = new Listener({ ...parts, server, endpoint, connections: new Connections(server) })
    const client = await dial(endpoint)
    const { close } = server
    server.close = () => {
      client.write(GET) // at the moment when it stops accepting
      return close.call(server)
    }
    assert.deepEqual(await listener.close(), { reason: 'closed', cut: 0 })
    assert.match(await text(client), /^HTTP\/1\.1 200 OK\r\n/)
  })

  it('while the second of two pipelined requests is in progress, sends its response', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const second = Promise.withResolvers<ServerResponse>()
    const server = createHttpServer(({ url }, response) =>
      url === '/2' ? second.resolve(response) : response.end('first'),
    )
    const listener = await listen(server, endpoint)
    const client = await dial(endpoint)
    client.write(GET + GET.replace('/', '/2'))
    const response = await second.promise
    await once(client, 'data')
    const ending = listener.close()
    await eventually('the server accepts no more', () => !server.listening)
    response.end('second')
    assert.match(await text(client), /second$/)
    assert.equal((await ending).cut, 0)
  })

  it('while half a request has arrived, waits for the rest and responds', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const server = createHttpServer((_request, response) => response.end('ok'))
    const listener = await listen(server, endpoint)
    const client = await dial(endpoint)
    client.write(GET.slice(0, 10))
    await eventually('half a request is read', async () => await connectionCount(server))
    const ending = listener.close()
    await eventually('the server accepts no more', () => !server.listening)
    client.write(GET.slice(10))
    assert.match(await text(client), /^HTTP\/1.1 200 /)
    assert.equal((await ending).cut, 0)
  })

  it('with a connection that does not end, cuts it after drainMs and counts it', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const listener = await listen(createServer(), endpoint, { drainMs: 0 })
    const client = await dial(endpoint)
    assert.deepEqual(await listener.close(), { reason: 'closed', cut: 1 })
    assert.equal(await text(client), '')
  })

  it('with a connection made at the moment the socket appeared, counts that one too', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const listening = listen(createServer(), endpoint, { drainMs: 0 })
    while (!existsSync(endpoint.path)) await turn()
    const client = await dial(endpoint)
    assert.equal((await (await listening).close()).cut, 1)
    client.destroy()
  })

  for (const kind of ['unix', 'abstract'] as const) {
    it(`with connections still in the kernel queue (${kind}), serves them all`, async () => {
      await using directory = await tempDirectory()
      const endpoint: Endpoint =
        kind === 'unix' ? { kind, path: directory.at('s') } : { kind, name: directory.at('s') }
      const server = createServer((socket) => socket.end('served'))
      const listener = await listen(server, endpoint)
      const queued = directory.at('queued')
      const clients = queueClients(endpoint, queued)
      while (!existsSync(queued)); // blocks the event loop, so that nothing is accepted
      const ending = listener.close()
      assert.equal(await clients, String(CLIENTS))
      assert.equal((await ending).cut, 0)
    })
  }
})

/** Connects many clients, makes the file `queued`, and returns the number of those that were served. */
async function queueClients(endpoint: Endpoint, queued: string): Promise<string> {
  const script = `
    for (1..${CLIENTS}) { socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un(pack('H*', $ARGV[0]))) or die $!; push @all, $s }
    open(F, ">", $ARGV[1]); close(F);
    for my $s (@all) { sysread($s, $text, 100); $served++ if $text eq "served"; $text = "" }
    print $served`
  const address = endpoint.kind === 'abstract' ? `\0${endpoint.name}` : (endpoint as { path: string }).path
  const args = ['-MSocket', '-e', script, Buffer.from(address).toString('hex'), queued]
  const client = spawn('perl', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return text(client.stdout)
}

function connectionCount(server: ReturnType<typeof createHttpServer>): Promise<number | undefined> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count || undefined)))
}
