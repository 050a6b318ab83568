import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { atItsQuickest, eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { rawServer, respondingServer, silent } from '../testing/raw-server.ts'
import { httpRouteText, opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'

describe('a sidecar whose upstream', () => {
  it('starts later, ends and starts again, needs no restart', async () => {
    await using run = await tempDirectory()
    await using sidecar = await sidecarWith(`routes: [${httpRouteText('a', 0, `${run.path}/u`)}]`)
    using client = new Conversation(portOf(sidecar))
    await client.send(GET).hears('"socket_missing"')
    for (const letters of ['1!', '2!']) {
      await using _ = await respondingServer(`${run.path}/u`, letters)
      await client.send(GET).hears(letters)
    }
    client.received = ''
    await client.send(GET).hears('"socket_missing"')
  })

  it('is replaced at its path, sends no request on the old connections', async () => {
    await using run = await tempDirectory()
    const path = `${run.path}/u`
    await using sidecar = await sidecarWith(`routes: [${httpRouteText('a', 0, path)}]`)
    const options = { onConflict: 'takeover', drainMs: 0 } as const
    const old = createServer((socket) => socket.on('data', () => socket.write(OK.replace('ok', '1!'))))
    await using _old = await listen(old, { kind: 'unix', path }, options)
    using client = new Conversation(portOf(sidecar))
    await client.send(GET).hears('1!')
    const young = createServer((socket) => socket.on('data', () => socket.write(OK.replace('ok', '2!'))))
    await using _young = await listen(young, { kind: 'unix', path }, options)
    await eventually('the takeover to be seen', () => sidecar.routes[0]?.upstream?.state.generation === 2)
    client.received = ''
    await client.send(GET).hears('2!')
  })

  it('loses its socket file, reports it as missing, and as up when there is a new one', async () => {
    await using run = await tempDirectory()
    const path = `${run.path}/u`
    await using sidecar = await sidecarWith(`routes: [${httpRouteText('a', 0, path)}]`)
    const state = () => sidecar.routes[0]?.upstream?.state
    await using first = await respondingServer(path, '1!')
    await eventually('it to be up', () => state()?.up === true)
    await rm(path)
    await eventually('it to be down', () => state()?.up === false)
    assert.equal(state()?.lastFailure?.code, 'socket_missing')
    await first[Symbol.asyncDispose]()
    await using _second = await respondingServer(path, '2!')
    await eventually('it to be up again', () => state()?.up === true)
  })
})

describe('a sidecar that shuts down', () => {
  it('finishes requests in flight with Connection: close, and closes idle connections', async () => {
    const waiting: (() => void)[] = []
    await using stack = await httpStack(({ socket }) => {
      waiting.push(() => socket.write(OK))
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

  it('is not ready immediately, which its operations port reports until the end', async () => {
    await using run = await tempDirectory()
    let requests = 0
    await using _ = await rawServer(`${run.path}/u`, (socket) => socket.on('data', () => (requests += 1)))
    const sidecar = await sidecarWith(
      `{ops: "tcp://127.0.0.1:0", drain: 500ms, routes: [${httpRouteText('a', 0, `${run.path}/u`)}]}`,
    )
    const port = opsPortOf(sidecar)
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

  it('closes a persistent connection after the response in flight', async () => {
    await using run = await tempDirectory()
    const rest: (() => void)[] = []
    await using _ = await rawServer(`${run.path}/u`, (socket) =>
      socket.on('data', () => {
        socket.write(OK.slice(0, -1))
        rest.push(() => socket.write('k'))
      }),
    )
    const sidecar = await sidecarWith(`{drain: 60s, routes: [${httpRouteText('a', 0, `${run.path}/u`)}]}`)
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

  it('resets after the drain also connections that were accepted last', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/u`, () => undefined)
    await atItsQuickest(2_000, async () => {
      const sidecar = await sidecarWith(`{drain: 300ms, routes: [${httpRouteText('a', 0, `${run.path}/u`)}]}`)
      using client = new Conversation(portOf(sidecar))
      const ended = sidecar[Symbol.asyncDispose]()
      client.send(GET)
      await client.toItsEnd()
      await ended
    })
  })

  it('resets connections that are in use after the drain', async () => {
    await atItsQuickest(2_000, async () => {
      await using stack = await httpStack(silent)
      const client = stack.open().send(GET)
      await eventually('the request to be forwarded', () => stack.connections.length === 1)
      await stack.sidecar[Symbol.asyncDispose]()
      await client.toItsEnd()
      assert.equal(client.ending, 'ECONNRESET')
    })
  })
})
