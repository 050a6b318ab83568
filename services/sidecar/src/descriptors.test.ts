import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from './testing/conversation.ts'
import { rawServer } from './testing/raw-server.ts'
import { sidecarProcess } from './testing/sidecar-process.ts'

const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'
const TOO_MANY = 'too many connections are open: new ones are refused'
const LIMIT = 1_024

/** A sidecar process that may open 1,024 descriptors, with one route and an operations port. */
async function limited(route: string) {
  const run = await tempDirectory()
  const path = `${run.path}/u`
  const file = `${run.path}/sidecar.yaml`
  const config = `{ops: "tcp://127.0.0.1:0", routes: [{name: main, listen: "tcp://127.0.0.1:0", upstream: "unix:${path}", ${route}}]}`
  await writeFile(file, config)
  const sidecar = sidecarProcess({ SIDECAR_CONFIG: file }, { descriptors: LIMIT })
  const clients: Socket[] = []
  const [port, ops] = [await sidecar.port('main'), await sidecar.port('ops')]
  return {
    path,
    sidecar,
    port,
    async ask(page: string): Promise<string> {
      const { status, body } = await request({ kind: 'tcp', host: '127.0.0.1', port: ops }, { path: page })
      assert.equal(status, 200, page)
      return `${body}`
    },
    /** Opens idle connections, one after the other so that the listen backlog never overflows. */
    async idle(count: number): Promise<void> {
      for (let i = 0; i < count; i++) {
        const settled = Promise.withResolvers<void>()
        const client = connect({ host: '127.0.0.1', port, allowHalfOpen: true }, settled.resolve)
        client.on('error', () => client.destroy()).once('close', settled.resolve)
        clients.push(client.resume())
        await settled.promise
      }
    },
    leave(): void {
      for (const client of clients.splice(0)) client.destroy()
    },
    async [Symbol.asyncDispose]() {
      this.leave()
      await sidecar[Symbol.asyncDispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

type Limited = Awaited<ReturnType<typeof limited>>

/** With this limit no descriptor is left, because the kernel always takes the lowest free one (open(2)). */
function lowestFree(pid: number | undefined): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let lowest = 0
  while (open.has(lowest)) lowest += 1
  return lowest
}

async function overloaded({ ask }: Limited): Promise<number> {
  const metrics = await ask('/metrics')
  return Number(
    /^sidecar_requests_refused_total\{route="main",code="overloaded"\} (\d+)$/m.exec(metrics)?.[1],
  )
}

describe('a sidecar with 1,024 descriptors', () => {
  it('survives 1,020 idle connections, and can still explain a failed dial', async () => {
    await using it = await limited('kind: http')
    using early = new Conversation(it.port)
    await early.send(GET).hears('"socket_missing"')
    await it.idle(1_020)
    assert.equal(await it.ask('/-/healthy'), 'healthy\n')
    early.received = ''
    await early.send(GET).hears('"socket_missing"')
    await eventually('connections to be refused', async () => (await overloaded(it)) > 0)
    using late = new Conversation(it.port)
    assert.match(await late.toItsEnd(), /^(HTTP\/1.1 503 .*"code":"overloaded".*)?$/s) // or a reset, when many are refused at once
    assert.match(it.sidecar.log(), /some routes get fewer connections than the default/)
    assert.equal(it.sidecar.log().split(TOO_MANY).length - 1, 1)
    const { process: own, routes } = JSON.parse(await it.ask('/routes'))
    assert.equal(own.descriptors.limit, LIMIT)
    assert.ok(own.descriptors.needed <= LIMIT && routes[0].maxConnections < LIMIT)
    it.leave()
    await eventually('room for new connections', () =>
      it.sidecar.log().includes('new connections are accepted again'),
    )
    using again = new Conversation(it.port)
    await again.send(GET).hears('"socket_missing"')
    assert.equal(it.sidecar.child.exitCode, null)
  })

  it('warns of limits that are too high, and survives more connections than it has descriptors', async () => {
    await using it = await limited('kind: http, limits: {connections: 5000, connectionsPerAddress: 5000}')
    assert.match(it.sidecar.log(), /"level":"warn".*need more descriptors than the process may open/)
    using early = new Conversation(it.port)
    await early.send(GET).hears('"socket_missing"')
    await it.idle(1_100)
    early.received = ''
    await early.send(GET).hears('"socket_missing"')
    await eventually('connections to be refused', async () => (await overloaded(it)) > 0)
    assert.equal(await it.ask('/-/healthy'), 'healthy\n')
  })

  it('reserves two descriptors for each stream', async () => {
    await using it = await limited('kind: stream')
    await using upstream = await rawServer(it.path, (socket) => socket.pipe(socket))
    using early = new Conversation(it.port)
    await early.send('1').hears('1')
    await it.idle(1_020)
    await eventually('connections to be refused', async () => (await overloaded(it)) > 0)
    await early.send('2').hears('12')
    const { routes } = JSON.parse(await it.ask('/routes'))
    assert.equal(routes[0].state, 'up')
    assert.ok(upstream.sockets.length < LIMIT / 2)
  })

  it('reports overloaded without a free descriptor, keeps the upstream up, and recovers', async () => {
    await using it = await limited('kind: http')
    await using _ = await rawServer(it.path, (socket) =>
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
    )
    const limitTo = (soft: number) =>
      execFileSync('prlimit', ['--pid', `${it.sidecar.child.pid}`, `--nofile=${soft}:${LIMIT}`])
    using client = new Conversation(it.port)
    await client.send(GET).hears('ok')
    using ops = new Conversation(await it.sidecar.port('ops'))
    const asked = 'GET /routes HTTP/1.1\r\nHost: localhost\r\n\r\n'
    await ops.send(asked).hears('"state": "up"')
    limitTo(lowestFree(it.sidecar.child.pid))
    client.received = ''
    await client.send(GET).hears('"code":"overloaded"')
    using refused = new Conversation(it.port)
    await refused.toItsEnd()
    ops.received = ''
    await ops.send(asked).hears('"code": "overloaded"')
    assert.match(ops.received, /"state": "up"/)
    limitTo(LIMIT)
    client.received = ''
    await client.send(GET).hears('ok')
    await eventually('the recovery to be logged', () => it.sidecar.log().match(/ responds"/g)?.length === 2)
    assert.equal(await it.ask('/-/healthy'), 'healthy\n')
  })

  it('exits with 0 at SIGTERM after 1,020 connections', async () => {
    await using it = await limited('kind: http')
    await it.idle(1_020)
    it.leave()
    it.sidecar.child.kill('SIGTERM')
    assert.deepEqual(await once(it.sidecar.child, 'exit'), [0, null])
  })
})
