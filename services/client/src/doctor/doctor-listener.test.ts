import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  fillBacklog,
  leaveStaleSocket,
  serve,
  startPausedServer,
  temporaryDirectory,
} from '../testing/broken-server.ts'
import { assertFinding, doctor, doctorOfPaused } from '../testing/examine.ts'

describe('doctor, of a listener', () => {
  it('that left its file behind is stale', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'stale.sock')
    await leaveStaleSocket(path)
    const expected = { verdict: 'stale', code: 'socket_stale', exitCode: 69, fix: `rm ${path}` } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('that is paused is hung', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'paused.sock')
    await using _paused = await startPausedServer({ path })
    const expected = { verdict: 'hung', code: 'upstream_timeout', exitCode: 69, fix: 'kill -CONT' } as const
    assertFinding(await doctorOfPaused(`unix:${path}`), expected)
  })

  it('whose backlog is full is reported', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'full.sock')
    await using _paused = await startPausedServer({ path })
    using _full = await fillBacklog({ path })
    const expected = { verdict: 'backlog_full', code: 'backlog_full', exitCode: 69, fix: 'ss -xlpn' } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('without such an abstract name explains the network namespace', async () => {
    const fix = 'network_mode: "service:SERVER"'
    const expected = { verdict: 'name_missing', code: 'socket_missing', exitCode: 69, fix } as const
    assertFinding(await doctor('unix:@nobody-has-this-name'), expected)
  })

  it('that hangs up at once is a reset', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'rude.sock')
    await using _server = await serve(path, (socket) => socket.destroy())
    const expected = {
      verdict: 'reset',
      code: 'upstream_reset',
      exitCode: 69,
      fix: '--protocol none',
    } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('that speaks another protocol than HTTP shows its first bytes', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'redis.sock')
    await using _server = await serve(path, (socket) => socket.end('-ERR unknown command\r\n'))
    const diagnosis = await doctor(`unix:${path}`)
    const expected = {
      verdict: 'wrong_protocol',
      code: 'upstream_malformed',
      exitCode: 69,
      fix: '--protocol echo',
    } as const
    assertFinding(diagnosis, expected)
    assert.match(diagnosis.finding?.message ?? '', /-ERR unknown command/)
    assert.equal((await doctor(`unix:${path}`, '--protocol', 'none')).verdict, 'live')
  })

  it('that speaks HTTP instead of echo shows its first bytes', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'http.sock')
    await using server = createHttpServer()
    await once(server.listen(path), 'listening')
    const diagnosis = await doctor(`unix:${path}`, '--protocol', 'echo')
    assert.equal(diagnosis.verdict, 'wrong_protocol')
    assert.match(diagnosis.finding?.message ?? '', /HTTP\/1.1 400 Bad Request/)
  })

  for (const [status, said] of [
    [500, 'the error is in the server'],
    [503, 'the error is in the server'],
    [400, 'the server refuses this request'],
    [429, 'the server refuses this request'],
  ] as const)
    it(`that responds with ${status} and no hint says where to look`, async () => {
      await using temporary = await temporaryDirectory()
      const path = join(temporary.directory, 'app.sock')
      await using server = createHttpServer((_, response) => {
        response.writeHead(status).end('<h1>oh  no</h1>')
      })
      await once(server.listen(path), 'listening')
      const diagnosis = await doctor(`unix:${path}`)
      const code = `http_${status}`
      assertFinding(diagnosis, {
        verdict: 'server_error',
        code,
        exitCode: 69,
        fix: `grep -F ${temporary.directory}/`,
      })
      assert.match(diagnosis.finding?.fixes[0]?.text ?? '', new RegExp(`^${said}.* log of the process`))
      assert.match(diagnosis.finding?.message ?? '', /<h1>oh no<\/h1>/)
    })

  it('that responds with 404 is live', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'app.sock')
    await using server = createHttpServer((_, response) => response.writeHead(404).end())
    await once(server.listen(path), 'listening')
    assert.equal((await doctor(`unix:${path}`)).verdict, 'live')
  })

  it('that reports a failed upstream passes on its code and hint', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'sidecar.sock')
    const problem = { status: 503, code: 'socket_stale', detail: 'nobody listens', hint: 'start the app' }
    await using server = createHttpServer((_, response) => {
      response.writeHead(503, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
    })
    await once(server.listen(path), 'listening')
    const expected = {
      verdict: 'server_error',
      code: 'socket_stale',
      exitCode: 69,
      fix: 'start the app',
    } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })
})
