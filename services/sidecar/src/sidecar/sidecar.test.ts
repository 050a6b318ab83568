import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { atItsQuickest, eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { httpStack } from '../testing/http-stack.ts'
import { rawServer } from '../testing/raw-server.ts'
import { configFrom, portOf, sidecarWith } from '../testing/sidecar-with.ts'

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'

/** Answers with two letters; the probe, which says nothing, is not answered. */
function answering(path: string, letters: string) {
  return rawServer(path, (socket) => socket.on('data', () => socket.write(`${OK}${letters}`)))
}

function route(name: string, listen: string, upstream: string, more = ''): string {
  return `{name: ${name}, kind: http, listen: "tcp://127.0.0.1:${listen}", upstream: "unix:${upstream}", allow: [GET /a], ${more}}`
}

/** Three ports that nobody listens on at the moment. */
async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening')
  const [a, b, c] = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) await once(server.close(), 'close')
  assert.ok(a !== undefined && b !== undefined && c !== undefined)
  return [a, b, c]
}

describe('an upstream', () => {
  it('may start after the sidecar, end, and start again: no restart is needed', async () => {
    await using run = await tempDirectory()
    await using sidecar = await sidecarWith(`routes: [${route('a', '0', `${run.path}/u`)}]`)
    using client = new Conversation(portOf(sidecar))
    await client.send(GET).hears('"socket_missing"')
    for (const letters of ['1!', '2!']) {
      await using _ = await answering(`${run.path}/u`, letters)
      await client.send(GET).hears(letters)
    }
    client.received = ''
    await client.send(GET).hears('"socket_missing"')
  })

  it('that is replaced gets no request on its old connections', async () => {
    await using run = await tempDirectory()
    const path = `${run.path}/u`
    await using sidecar = await sidecarWith(`routes: [${route('a', '0', path)}]`)
    const options = { onConflict: 'takeover', drainMs: 0 } as const
    const old = createServer((socket) => socket.on('data', () => socket.write(`${OK}1!`)))
    await using _old = await listen(old, { kind: 'unix', path }, options)
    using client = new Conversation(portOf(sidecar))
    await client.send(GET).hears('1!')
    const young = createServer((socket) => socket.on('data', () => socket.write(`${OK}2!`)))
    await using _young = await listen(young, { kind: 'unix', path }, options)
    await eventually('the takeover to be seen', () => sidecar.routes[0]?.upstream.state.generation === 2)
    client.received = ''
    await client.send(GET).hears('2!')
  })

  it('whose directory is emptied is missing, then up again', async () => {
    await using run = await tempDirectory()
    const path = `${run.path}/u`
    await using sidecar = await sidecarWith(`routes: [${route('a', '0', path)}]`)
    const state = () => sidecar.routes[0]?.upstream.state
    await using first = await answering(path, '1!')
    await eventually('it to be up', () => state()?.up === true)
    await rm(path)
    await eventually('it to be down', () => state()?.up === false)
    assert.equal(state()?.lastFailure?.code, 'socket_missing')
    await first[Symbol.asyncDispose]()
    await using _second = await answering(path, '2!')
    await eventually('it to be up again', () => state()?.up === true)
  })
})

describe('a sidecar that ends', () => {
  it('answers what is in flight with Connection: close, lets idle clients go, and is then gone', async () => {
    const waiting: (() => void)[] = []
    await using stack = await httpStack(({ socket }) => {
      waiting.push(() => socket.write(`${OK}ok`))
    })
    const busy = stack.open().send(GET)
    await eventually('the request to be forwarded', () => waiting.length === 1)
    const idle = stack.open()
    await eventually('both to be connected', () => stack.sidecar.routes[0]?.counters.connectionsOpen === 2)
    const ended = stack.sidecar[Symbol.asyncDispose]()
    await idle.toItsEnd()
    waiting[0]?.()
    assert.match(await busy.toItsEnd(), /Connection: close\r\n.*ok$/s)
    await ended
    assert.deepEqual([idle.ending, busy.ending], ['end', 'end'])
  })

  it('is not ready from the first moment on, as its operations port says to the end', async () => {
    await using run = await tempDirectory()
    let requests = 0
    await using _ = await rawServer(`${run.path}/u`, (socket) => socket.on('data', () => (requests += 1)))
    const sidecar = await sidecarWith(
      `{ops: "tcp://127.0.0.1:0", drain: 500ms, routes: [${route('a', '0', `${run.path}/u`)}]}`,
    )
    const port = Number(/\d+$/.exec(sidecar.addresses.ops ?? '')?.[0])
    const ready = () => request({ kind: 'tcp', host: '127.0.0.1', port }, { path: '/-/ready' })
    assert.equal((await ready()).status, 200)
    using client = new Conversation(portOf(sidecar))
    client.send(GET)
    await eventually('the request to be forwarded', () => requests === 1)
    const ended = sidecar[Symbol.asyncDispose]()
    const { status, body } = await ready()
    assert.equal(status, 503)
    assert.match(`${body}`, /"reason": "draining"/)
    await ended
    await assert.rejects(ready(), { code: 'connection_refused' })
  })

  it('ends a kept connection soon after the response that was under way', async () => {
    await using run = await tempDirectory()
    const rest: (() => void)[] = []
    await using _ = await rawServer(`${run.path}/u`, (socket) =>
      socket.on('data', () => {
        socket.write(`${OK}o`)
        rest.push(() => socket.write('k'))
      }),
    )
    const sidecar = await sidecarWith(`{drain: 60s, routes: [${route('a', '0', `${run.path}/u`)}]}`)
    using client = new Conversation(portOf(sidecar))
    await client.send(GET).hears('\r\n\r\no')
    const ended = sidecar[Symbol.asyncDispose]()
    rest[0]?.()
    await client.hears('ok')
    await client.toItsEnd()
    assert.equal(client.ending, 'end')
    client.socket.end()
    await ended
  })

  it('cuts off also what was accepted last', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/u`, () => undefined)
    await atItsQuickest(2_000, async () => {
      const sidecar = await sidecarWith(`{drain: 300ms, routes: [${route('a', '0', `${run.path}/u`)}]}`)
      using client = new Conversation(portOf(sidecar))
      const ended = sidecar[Symbol.asyncDispose]()
      client.send(GET)
      await client.toItsEnd()
      await ended
    })
  })

  it('cuts off what outlasts the drain', async () => {
    await atItsQuickest(2_000, async () => {
      await using stack = await httpStack(() => undefined)
      const client = stack.open().send(GET)
      await eventually('the request to be forwarded', () => stack.connections.length === 1)
      await stack.sidecar[Symbol.asyncDispose]()
      await client.toItsEnd()
      assert.equal(client.ending, 'ECONNRESET')
    })
  })
})

describe('another configuration', () => {
  it('adds, changes and removes routes; what it leaves as it is goes on untouched', async () => {
    await using run = await tempDirectory()
    await using _one = await answering(`${run.path}/1`, '1!')
    await using _two = await answering(`${run.path}/2`, '2!')
    await using sidecar = await sidecarWith(`routes: [${route('same', '0', `${run.path}/1`)}]`)
    const same = sidecar.routes[0]
    using client = new Conversation(portOf(sidecar, 'same'))
    await client.send(GET).hears('1!')
    const sameText = route('same', '0', `${run.path}/1`)
    await sidecar.apply(
      configFrom(
        `routes: [${sameText}, ${route('new', '0', `${run.path}/2`).replace('127.0.0.1', '127.0.0.2')}]`,
      ),
    )
    assert.equal(sidecar.routes[0], same)
    assert.equal(sidecar.routes[1]?.route.name, 'new')
    await sidecar.apply(configFrom(`routes: [${route('same', '0', `${run.path}/2`)}]`))
    assert.equal(sidecar.routes.length, 1)
    using later = new Conversation(portOf(sidecar, 'same'))
    await later.send(GET).hears('2!')
    assert.equal(portOf(sidecar, 'same'), same?.listen.kind === 'tcp' ? same.listen.port : 0)
    assert.equal(sidecar.routes[0]?.counters, same?.counters)
  })

  it('may let ports change hands, and what is in flight on them is answered', async () => {
    await using run = await tempDirectory()
    const waiting: (() => void)[] = []
    await using _slow = await rawServer(`${run.path}/slow`, (socket) =>
      socket.on('data', () => waiting.push(() => socket.write(`${OK}s!`))),
    )
    await using _two = await answering(`${run.path}/2`, '2!')
    const [ops, one, two] = await freePorts()
    const text = (o: number, a: number, b: number) =>
      `{ops: "tcp://127.0.0.1:${o}", drain: 10s, routes: [${route('a', `${a}`, `${run.path}/slow`)}, ${route('b', `${b}`, `${run.path}/2`)}]}`
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

  it('may give the port of a route that it removes to one of another kind, or to operations', async () => {
    await using run = await tempDirectory()
    await using _ = await answering(`${run.path}/1`, '1!')
    const [one, two] = await freePorts()
    const stream = (port: number) =>
      `{name: s, kind: stream, listen: "tcp://127.0.0.1:${port}", upstream: "unix:${run.path}/1"}`
    await using sidecar = await sidecarWith(`routes: [${route('a', `${one}`, `${run.path}/1`)}]`)
    await sidecar.apply(configFrom(`routes: [${stream(one)}]`))
    using streaming = new Conversation(one)
    await streaming.send('anything').hears('1!')
    await sidecar.apply(configFrom(`{ops: "tcp://127.0.0.1:${one}", routes: [${stream(two)}]}`))
    const { status } = await request({ kind: 'tcp', host: '127.0.0.1', port: one }, { path: '/routes' })
    assert.equal(status, 200)
    await sidecar.apply(configFrom(`routes: [${route('a', `${one}`, `${run.path}/1`)}]`))
    using last = new Conversation(one)
    await last.send(GET).hears('1!')
    await assert.rejects(request({ kind: 'tcp', host: '127.0.0.1', port: two }, { path: '/' }), {
      code: 'connection_refused',
    })
  })

  it('whose address is taken changes nothing', async () => {
    await using run = await tempDirectory()
    await using _ = await answering(`${run.path}/1`, '1!')
    await using sidecar = await sidecarWith(`routes: [${route('a', '0', `${run.path}/1`)}]`)
    const before = sidecar.routes
    const taken = portOf(sidecar)
    const wanted = configFrom(
      `routes: [${route('b', '0', `${run.path}/9`).replace('127.0.0.1', '127.0.0.2')}, ${route('c', `${taken}`, `${run.path}/9`)}]`,
    )
    await assert.rejects(sidecar.apply(wanted), { code: 'in_use' })
    assert.equal(sidecar.routes, before)
    using client = new Conversation(taken)
    await client.send(GET).hears('1!')
  })
})

it('the operations port tells of each route, its socket and its last error', async () => {
  await using run = await tempDirectory()
  await using _ = await answering(`${run.path}/up`, '1!')
  await using sidecar = await sidecarWith(
    `{ops: "tcp://127.0.0.1:0", routes: [${route('up', '0', `${run.path}/up`)}, ${route('down', '0', `${run.path}/down`).replace('127.0.0.1', '127.0.0.2')}]}`,
  )
  const port = Number(/\d+$/.exec(sidecar.addresses.ops ?? '')?.[0])
  const get = (path: string) => request({ kind: 'tcp', host: '127.0.0.1', port }, { path })
  const { routes, process: own } = JSON.parse(`${(await get('/routes')).body}`)
  assert.equal(own.uid, process.getuid?.())
  assert.deepEqual([routes[0].state, routes[0].socket.kind, routes[0].generation], ['up', 'socket', 1])
  assert.deepEqual(
    [routes[1].state, routes[1].socket, routes[1].lastError.code],
    ['down', null, 'socket_missing'],
  )
  assert.equal((await get('/-/healthy')).status, 200)
  const ready = await get('/-/ready')
  assert.equal(ready.status, 503)
  assert.match(`${ready.body}`, /"down".*"socket_missing"/s)
  assert.match(`${(await get('/')).body}`, /<h2>down .*socket_missing/s)
  const metrics = `${(await get('/metrics')).body}`
  assert.match(metrics, /^sidecar_upstream_up\{route="up"\} 1$/m)
  assert.match(metrics, /^sidecar_upstream_up\{route="down"\} 0$/m)
  assert.match(metrics, /^sidecar_upstream_errors_total\{route="up",reason="upstream_reset"\} 0$/m)
  for (const path of ['/nothing', '//', '/metrics/', '/%', '/__proto__'])
    assert.equal((await get(path)).status, 404, path)
})
