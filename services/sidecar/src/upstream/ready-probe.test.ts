import assert from 'node:assert/strict'
import { rename, unlink } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { startFull, startListening } from '@uds-sidecar/shared/testing/server-processes'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { rawServer } from '../testing/raw-server.ts'
import { askReady } from './ready-probe.ts'
import { Upstream } from './upstream.ts'

const READY = {
  get: '/-/ready?deep',
  withinMs: 30_000,
  everyMs: 3_600_000,
  fields: () => ['Host', 'localhost'],
}
const LOG = createLog('sidecar', 'silent')

/** What the probe says of an upstream that sends `bytes` for a request, and the requests that it got. */
async function judged(bytes: string, then: (socket: Socket) => void = () => undefined) {
  await using run = await tempDirectory()
  const heads: string[] = []
  await using server = await rawServer(`${run.path}/u`, (socket) =>
    socket.on('data', (chunk) => {
      heads.push(String(chunk))
      socket.write(bytes)
      then(socket)
    }),
  )
  const failure = await askReady({ kind: 'unix', path: `${run.path}/u` }, READY)
  const [socket] = server.sockets
  await eventually(
    'the connection of the probe to be closed',
    () => socket?.destroyed || socket?.readableEnded,
  )
  return { failure, heads, connections: server.sockets.length }
}

describe('the readiness probe', () => {
  it('is GET of the configured path and query, on a connection that it closes', async () => {
    const { failure, heads, connections } = await judged('HTTP/1.1 204 No Content\r\n\r\n')
    assert.equal(failure, null)
    assert.match(
      heads.join(''),
      /^GET \/-\/ready\?deep HTTP\/1\.1\r\nHost: localhost\r\nConnection: close\r\n\r\n$/,
    )
    assert.equal(connections, 1)
  })

  it('is content with the head of the response: a body that never ends does not matter', async () => {
    const { failure } = await judged('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
    assert.equal(failure, null)
  })

  for (const status of [300, 301, 302, 304, 400, 401, 404, 418, 429, 500, 503, 599]) {
    it(`takes ${status} for not ready`, async () => {
      const { failure } = await judged(`HTTP/1.1 ${status} X\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n`)
      assert.equal(failure?.code, 'unhealthy')
      assert.match(failure?.message ?? '', new RegExp(`GET /-/ready\\?deep with ${status}$`))
    })
  }

  for (const status of [200, 201, 204, 206, 299]) {
    it(`takes ${status} for ready`, async () => {
      assert.equal((await judged(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`)).failure, null)
    })
  }

  it('waits for the last response after those with 1xx', async () => {
    const { failure } = await judged(
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n',
    )
    assert.equal(failure?.code, 'unhealthy')
  })

  for (const [what, bytes, code] of [
    ['another protocol', 'SSH-2.0-x\r\n', 'upstream_malformed'],
    [
      'a switch of protocols',
      'HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'upstream_malformed',
    ],
    ['an endless head', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(100_000)}`, 'upstream_too_large'],
  ] as const satisfies readonly (readonly [string, string, FailureCode])[]) {
    it(`fails with ${code} for ${what}`, async () => {
      assert.equal((await judged(bytes)).failure?.code, code)
    })
  }

  it('fails with upstream_reset when the connection ends without a head', async () => {
    assert.equal((await judged('HTTP/1.1 200', (socket) => socket.end())).failure?.code, 'upstream_reset')
  })

  it('fails as a dial does when there is nothing to connect to', async () => {
    await using run = await tempDirectory()
    const failure = await askReady({ kind: 'unix', path: `${run.path}/none` }, READY)
    assert.deepEqual([failure?.code, failure?.errno], ['socket_missing', 'ENOENT'])
  })

  it('says backlog_full at once when the kernel accepts no more', async () => {
    await using run = await tempDirectory()
    await using full = await startFull(`${run.path}/u`)
    using _waiting = full.waiting
    const failure = await askReady({ kind: 'unix', path: `${run.path}/u` }, READY)
    assert.equal(failure?.code, 'backlog_full')
  })

  it('fails with upstream_hung for a paused process, although its kernel accepts the connection', async () => {
    await using run = await tempDirectory()
    await using app = await startListening({ endpoint: `unix:${run.path}/u`, protocol: 'http' })
    const ask = (withinMs: number) =>
      askReady({ kind: 'unix', path: `${run.path}/u` }, { ...READY, withinMs })
    assert.equal(await ask(30_000), null)
    app.signal('SIGSTOP')
    const failure = await ask(50)
    assert.deepEqual([failure?.code, failure?.status], ['upstream_hung', 503])
    assert.match(failure?.message ?? '', /did not respond to GET \/-\/ready\?deep within 50 ms/)
    app.signal('SIGCONT')
    assert.equal(await ask(30_000), null)
  })

  it('fails with upstream_hung when the head does not end in time', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/u`, (socket) => socket.write('HTTP/1.1 200 OK\r\n'))
    const failure = await askReady({ kind: 'unix', path: `${run.path}/u` }, { ...READY, withinMs: 50 })
    assert.equal(failure?.code, 'upstream_hung')
  })
})

describe('an upstream with ready', () => {
  /** An upstream whose status the test decides, which counts how often it was asked. */
  async function asked(ready: Partial<typeof READY>) {
    const run = await tempDirectory()
    const app = { asked: 0, status: 200, isSilent: false }
    const server = await rawServer(`${run.path}/u`, (socket) =>
      socket.on('data', () => {
        app.asked += 1
        if (!app.isSilent) socket.end(`HTTP/1.1 ${app.status} X\r\nContent-Length: 0\r\n\r\n`)
      }),
    )
    const upstream = new Upstream({ kind: 'unix', path: `${run.path}/u` }, 1_000, LOG, undefined, {
      ...READY,
      ...ready,
    })
    return {
      app,
      upstream,
      server,
      path: `${run.path}/u`,
      async [Symbol.asyncDispose]() {
        await upstream[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
        await run[Symbol.asyncDispose]()
      },
    }
  }

  it('is asked once by all who read at the same time', async () => {
    await using it = await asked({})
    await Promise.all([it.upstream.probe(), it.upstream.probe(), it.upstream.probe()])
    assert.equal(it.app.asked, 1)
  })

  it('is not asked again while the last result is younger than within', async () => {
    await using it = await asked({ withinMs: 60_000 })
    for (let n = 0; n < 3; n++) assert.equal((await it.upstream.probe()).up, true)
    assert.equal(it.app.asked, 1)
  })

  it('is asked anew when the last result is older than within', async () => {
    await using it = await asked({ withinMs: 500 })
    await it.upstream.probe()
    it.app.status = 500
    await eventually('the second look', async () => (await it.upstream.probe()).up === false)
    assert.equal(it.upstream.state.lastFailure?.code, 'unhealthy')
  })

  it('is asked every `every`, also when nobody reads', async () => {
    await using it = await asked({ withinMs: 60_000, everyMs: 100 })
    await it.upstream.probe()
    it.app.status = 503
    await eventually('it to be down', () => it.upstream.state.up === false)
    it.app.status = 200
    await eventually('it to be up', () => it.upstream.state.up === true)
  })

  it('is not up because a client has connected', async () => {
    await using it = await asked({})
    it.app.status = 503
    await it.upstream.probe()
    it.upstream.reportConnected()
    assert.equal(it.upstream.state.up, false)
  })

  it('is down when a client cannot connect', async () => {
    await using it = await asked({})
    assert.equal((await it.upstream.probe()).up, true)
    const failure = await askReady({ kind: 'unix', path: '/nothing/here' }, READY)
    assert.ok(failure !== null)
    it.upstream.reportDown(failure)
    assert.equal(it.upstream.state.up, false)
  })

  it('ends the probe that is under way when it is disposed', async () => {
    const it = await asked({})
    it.app.isSilent = true
    const probe = it.upstream.probe()
    await eventually('the request', () => it.app.asked === 1)
    await it.upstream[Symbol.asyncDispose]()
    assert.equal((await probe).up, null)
    await it[Symbol.asyncDispose]()
  })

  describe('whose socket is replaced', () => {
    /** Puts a server that is ready at the path of `it`, as a takeover does. */
    async function replace({ path }: { readonly path: string }) {
      const next = await rawServer(`${path}.next`, (socket) =>
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')),
      )
      await rename(`${path}.next`, path)
      return next
    }

    it('is asked again, however young the result of the old one is', async () => {
      await using it = await asked({ withinMs: 60_000 })
      it.app.status = 503
      assert.equal((await it.upstream.probe()).up, false)
      await using _next = await replace(it)
      const { up, generation } = await it.upstream.probe()
      assert.deepEqual([up, generation], [true, 2])
    })

    it('is asked again when the old one responds only then', async () => {
      await using it = await asked({})
      it.app.isSilent = true
      const probe = it.upstream.probe()
      await eventually('the request', () => it.app.asked === 1)
      await using _next = await replace(it)
      for (const socket of it.server.sockets) socket.end('HTTP/1.1 503 draining\r\nContent-Length: 0\r\n\r\n')
      assert.equal((await probe).up, true)
    })

    it('is asked again when it is gone', async () => {
      await using it = await asked({ withinMs: 60_000 })
      assert.equal((await it.upstream.probe()).up, true)
      await unlink(it.path)
      assert.equal((await it.upstream.probe()).lastFailure?.code, 'socket_missing')
    })
  })
})
