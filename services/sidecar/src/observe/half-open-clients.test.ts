import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { sidecarWith } from '../testing/sidecar-with.ts'

const CONFIG =
  '{ops: "tcp://127.0.0.1:0", routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere"}]}'

/** A sidecar, and clients of its operations port that say no more than `first` and wait. */
async function besieged(count: number, first: string) {
  const sidecar = await sidecarWith(CONFIG)
  const port = Number(/\d+$/.exec(sidecar.addresses.ops ?? '')?.[0])
  const clients: Socket[] = []
  for (let i = 0; i < count; i++) {
    const client = connect({ port, host: '127.0.0.1' }).on('error', () => client.destroy())
    clients.push(client.resume())
    client.write(first)
  }
  await eventually('all to have connected', () => clients.every(({ connecting }) => !connecting))
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

for (const [what, first] of [
  ['send one byte', 'G'],
  ['send nothing', ''],
  ['send a head without an end', 'GET / HTTP/1.1\r\nHost: a\r\n'],
  ['keep their connection after a request', 'GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['announce a body that never comes', 'GET /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'],
] as const)
  it(`300 clients that ${what} keep no probe out`, async () => {
    await using siege = await besieged(300, first)
    assert.equal((await siege.get('/-/healthy')).status, 200)
    assert.equal((await siege.get('/metrics')).status, 200)
    const open = () => siege.clients.filter(({ destroyed }) => !destroyed).length
    await eventually('the rest to be closed', () => open() <= 32)
  })

it('a client that sends its head a byte at a time is told to stop and closed, however many come', async () => {
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

it('a request with a body is refused', async () => {
  await using siege = await besieged(0, '')
  using client = new Conversation(siege.port)
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  assert.match(await client.toItsEnd(), /^HTTP\/1.1 413 .*a request here has no body/s)
})
