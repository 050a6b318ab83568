import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { opsPortOf, sidecarWith } from '../testing/sidecar-with.ts'

const CONFIG =
  '{ops: "tcp://127.0.0.1:0", routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere"}]}'

/** A sidecar with `count` clients of its operations port. Each sends `first` and then nothing more. */
async function besieged(count: number, first: string) {
  const sidecar = await sidecarWith(CONFIG)
  const port = opsPortOf(sidecar)
  const clients: Socket[] = []
  for (let i = 0; i < count; i++) {
    const client = connect({ port, host: '127.0.0.1' }).on('error', () => client.destroy())
    clients.push(client.resume())
    client.write(first)
  }
  await eventually('all clients to be connected', () => clients.every(({ connecting }) => !connecting))
  return {
    port,
    clients,
    get: (path: string) => request({ kind: 'tcp', host: '127.0.0.1', port }, { path }),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
      await sidecar[Symbol.asyncDispose]()
    },
  }
}

describe('an operations port with 300 clients that', () => {
  for (const [what, first] of [
    ['send one byte', 'G'],
    ['send nothing', ''],
    ['send an incomplete head', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['keep their connection open after a request', 'GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['announce a body and never send it', 'GET /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'],
  ] as const)
    it(`${what} still responds to health checks, and closes most of their connections`, async () => {
      await using siege = await besieged(300, first)
      assert.equal((await siege.get('/-/healthy')).status, 200)
      assert.equal((await siege.get('/metrics')).status, 200)
      const open = () => siege.clients.filter(({ destroyed }) => !destroyed).length
      await eventually('the rest to be closed', () => open() <= 32)
    })
})

describe('an operations port', () => {
  it('sends 408 to a client whose head comes byte by byte without an end', async () => {
    await using siege = await besieged(0, '')
    using client = new Conversation(siege.port)
    client.send('GET /-/healthy HTTP/1.1\r\nX: ')
    const dripping = setInterval(() => client.socket.writable && client.send('x'), 100)
    try {
      assert.match(await client.toItsEnd(), /^HTTP\/1.1 408 /)
    } finally {
      clearInterval(dripping)
    }
  })

  it('refuses a request with a body', async () => {
    await using siege = await besieged(0, '')
    using client = new Conversation(siege.port)
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    assert.match(await client.toItsEnd(), /^HTTP\/1.1 413 .*accepts no request body/s)
  })
})
