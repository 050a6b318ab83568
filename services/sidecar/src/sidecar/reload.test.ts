import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { GET, OK } from '../testing/http-stack.ts'
import { rawServer, respondingServer } from '../testing/raw-server.ts'
import { configFrom, httpRouteText, portOf, sidecarWith } from '../testing/sidecar-with.ts'

/** Three free TCP ports of 127.0.0.1. */
async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening')
  const [a, b, c] = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) await once(server.close(), 'close')
  assert.ok(a !== undefined && b !== undefined && c !== undefined)
  return [a, b, c]
}

describe('a new configuration', () => {
  it('adds, changes and removes routes; unchanged routes continue with their counters', async () => {
    await using run = await tempDirectory()
    await using _one = await respondingServer(`${run.path}/1`, '1!')
    await using _two = await respondingServer(`${run.path}/2`, '2!')
    await using sidecar = await sidecarWith(`routes: [${httpRouteText('same', 0, `${run.path}/1`)}]`)
    const same = sidecar.routes[0]
    using client = new Conversation(portOf(sidecar, 'same'))
    await client.send(GET).hears('1!')
    const sameText = httpRouteText('same', 0, `${run.path}/1`)
    await sidecar.apply(
      configFrom(
        `routes: [${sameText}, ${httpRouteText('new', 0, `${run.path}/2`).replace('127.0.0.1', '127.0.0.2')}]`,
      ),
    )
    assert.equal(sidecar.routes[0], same)
    assert.equal(sidecar.routes[1]?.route.name, 'new')
    await sidecar.apply(configFrom(`routes: [${httpRouteText('same', 0, `${run.path}/2`)}]`))
    assert.equal(sidecar.routes.length, 1)
    using later = new Conversation(portOf(sidecar, 'same'))
    await later.send(GET).hears('2!')
    assert.equal(portOf(sidecar, 'same'), same?.listen.kind === 'tcp' ? same.listen.port : 0)
    assert.equal(sidecar.routes[0]?.counters, same?.counters)
  })

  it('may exchange ports between routes, and finishes the requests in flight on them', async () => {
    await using run = await tempDirectory()
    const waiting: (() => void)[] = []
    await using _slow = await rawServer(`${run.path}/slow`, (socket) =>
      socket.on('data', () => waiting.push(() => socket.write(OK.replace('ok', 's!')))),
    )
    await using _two = await respondingServer(`${run.path}/2`, '2!')
    const [ops, one, two] = await freePorts()
    const text = (o: number, a: number, b: number) =>
      `{ops: "tcp://127.0.0.1:${o}", drain: 10s, routes: [${httpRouteText('a', a, `${run.path}/slow`)}, ${httpRouteText('b', b, `${run.path}/2`)}]}`
    await using sidecar = await sidecarWith(text(ops, one, two))
    using inFlight = new Conversation(one)
    inFlight.send(GET)
    await eventually('the request to be forwarded', () => waiting.length === 1)
    const counted = sidecar.routes[1]?.counters
    await sidecar.apply(configFrom(text(one, two, ops)))
    const healthy = await request({ kind: 'tcp', host: '127.0.0.1', port: one }, { path: '/-/healthy' })
    assert.equal(healthy.status, 200)
    using client = new Conversation(ops)
    await client.send(GET).hears('2!')
    assert.equal(sidecar.routes[1]?.counters, counted)
    waiting[0]?.()
    assert.match(await inFlight.toItsEnd(), /Connection: close\r\n.*s!$/s)
    using other = new Conversation(two)
    other.send(GET)
    await eventually('the route that moved to forward', () => waiting.length === 2)
    waiting[1]?.()
    await other.hears('s!')
  })

  it('may give the port of a removed route to a route of another kind, or to the operations port', async () => {
    await using run = await tempDirectory()
    await using _ = await respondingServer(`${run.path}/1`, '1!')
    const [one, two] = await freePorts()
    const stream = (port: number) =>
      `{name: s, kind: stream, listen: "tcp://127.0.0.1:${port}", upstream: "unix:${run.path}/1"}`
    await using sidecar = await sidecarWith(`routes: [${httpRouteText('a', one, `${run.path}/1`)}]`)
    await sidecar.apply(configFrom(`routes: [${stream(one)}]`))
    using streaming = new Conversation(one)
    await streaming.send('anything').hears('1!')
    await sidecar.apply(configFrom(`{ops: "tcp://127.0.0.1:${one}", routes: [${stream(two)}]}`))
    const { status } = await request({ kind: 'tcp', host: '127.0.0.1', port: one }, { path: '/routes' })
    assert.equal(status, 200)
    await sidecar.apply(configFrom(`routes: [${httpRouteText('a', one, `${run.path}/1`)}]`))
    using last = new Conversation(one)
    await last.send(GET).hears('1!')
    await assert.rejects(request({ kind: 'tcp', host: '127.0.0.1', port: two }, { path: '/' }), {
      code: 'connection_refused',
    })
  })

  it('changes nothing when a port cannot be opened', async () => {
    await using run = await tempDirectory()
    await using _ = await respondingServer(`${run.path}/1`, '1!')
    await using sidecar = await sidecarWith(`routes: [${httpRouteText('a', 0, `${run.path}/1`)}]`)
    const before = sidecar.routes
    const taken = portOf(sidecar)
    const wanted = configFrom(
      `routes: [${httpRouteText('b', 0, `${run.path}/9`).replace('127.0.0.1', '127.0.0.2')}, ${httpRouteText('c', taken, `${run.path}/9`)}]`,
    )
    await assert.rejects(sidecar.apply(wanted), { code: 'in_use' })
    assert.equal(sidecar.routes, before)
    using client = new Conversation(taken)
    await client.send(GET).hears('1!')
  })
})
