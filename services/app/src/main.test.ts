import assert from 'node:assert/strict'
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { socketUnit } from '@uds-sidecar/shared/testing/processes'

const MAIN = join(import.meta.dirname, 'main.ts')

/** The app as a process of its own, in a directory of its own. */
async function appDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'app-main-'))
  const children: ChildProcess[] = []
  const names = ['metrics', 'api', 'echo', 'admin', 'redis']
  const endpoints = Object.fromEntries(
    names.map((name) => [`APP_${name.toUpperCase()}`, `unix:${path}/${name}.sock`]),
  )
  return {
    path,
    endpoint: (name: string): Endpoint => ({ kind: 'unix', path: join(path, `${name}.sock`) }),
    start(env: NodeJS.ProcessEnv = {}, ...args: string[]) {
      const child = spawn(process.execPath, [MAIN, ...args], {
        env: { ...process.env, ...endpoints, ...env },
      })
      children.push(child)
      return child
    },
    /** Starts it as a socket unit of systemd does, with the socket of the API. */
    startAsUnit() {
      const [command = '', ...args] = [...socketUnit(join(path, 'api.sock')), process.execPath, MAIN]
      const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'ignore']
      const child = spawn(command, args, { env: { ...process.env, ...endpoints }, stdio })
      children.push(child)
      return child
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL')
      await rm(path, { recursive: true })
    },
  }
}

function ready(child: ChildProcess): Promise<void> {
  return says(child, 'ready')
}

/** Resolves at the next log line with this message. */
async function says(child: ChildProcess, msg: string): Promise<void> {
  assert.ok(child.stdout)
  for await (const line of createInterface(child.stdout)) if (JSON.parse(line).msg === msg) return
  assert.fail(`the app ended before it was ${msg}`)
}

const LONGEST_DELAY_MS = 60_000

/** A Node option: a delay of that length lasts until SIGTERM, and then longer than the app still accepts connections. */
const DELAY_UNTIL_SIGTERM = `--import=data:text/javascript,${encodeURIComponent(`
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
const pause = timers.setTimeout
timers.setTimeout = async (ms, value, options) => {
  if (ms !== ${LONGEST_DELAY_MS}) return pause(ms, value, options)
  const told = once(process, 'SIGTERM')
  console.log('{"msg":"delayed"}')
  await told
  return pause(500, value)
}
syncBuiltinESMExports()
`)}`

/** Sends a request. When this resolves, the kernel has it. */
async function ask(endpoint: Endpoint): Promise<Socket> {
  const socket = await dial(endpoint)
  const written = Promise.withResolvers<void>()
  socket.write('GET /status HTTP/1.1\r\nHost: app\r\n\r\n', () => written.resolve())
  await written.promise
  return socket
}

async function ending(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  assert.ok(child.stderr)
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  return { code, stderr }
}

describe('the app process on SIGTERM', () => {
  it('responds to a request in flight with Connection: close, removes its sockets and exits with 0', async () => {
    await using directory = await appDirectory()
    const app = directory.start({ APP_CHAOS: 'on', NODE_OPTIONS: DELAY_UNTIL_SIGTERM })
    await ready(app)
    await request(directory.endpoint('admin'), {
      method: 'POST',
      path: `/chaos/delay?ms=${LONGEST_DELAY_MS}`,
    })
    const inFlight = await ask(directory.endpoint('api'))
    await says(app, 'delayed')
    const ended = ending(app)
    app.kill('SIGTERM')
    assert.match(await text(inFlight), /^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n.*"name":"app"/is)
    inFlight.end()
    assert.equal((await ended).code, 0)
    assert.deepEqual(
      (await readdir(directory.path)).filter((name) => name.endsWith('.sock')),
      [],
    )
  })

  it('cuts what does not end within APP_DRAIN_MS, and still exits with 0', async () => {
    await using directory = await appDirectory()
    const app = directory.start({ APP_CHAOS: 'on', APP_DRAIN_MS: '100' })
    await ready(app)
    await request(directory.endpoint('admin'), { method: 'POST', path: '/chaos/hang' })
    const hanging = await ask(directory.endpoint('api'))
    app.kill('SIGTERM')
    assert.equal((await ending(app)).code, 0)
    assert.equal(await text(hanging), '')
  })

  it('ends at once on the second signal', async () => {
    await using directory = await appDirectory()
    const app = directory.start({ APP_DRAIN_MS: '600000' })
    await ready(app)
    const connection = await dial(directory.endpoint('api'))
    connection.on('error', () => connection.destroy()).write('GET /status HTTP/1.1\r\n')
    const log = createInterface(app.stdout)
    app.kill('SIGTERM')
    for await (const line of log) if (JSON.parse(line).msg === 'draining') break
    app.kill('SIGTERM')
    assert.equal((await ending(app)).code, 128 + 15)
    connection.destroy()
  })
})

describe('the app process that cannot start', () => {
  it('exits with 78 and names every bad variable', async () => {
    await using directory = await appDirectory()
    const { code, stderr } = await ending(directory.start({ APP_CHAOS: 'maybe', APP_DRAIN_MS: '-1' }))
    assert.equal(code, 78)
    assert.match(stderr, /APP_DRAIN_MS is "-1".*APP_CHAOS is "maybe"/s)
  })

  it('exits with 64 for an unknown option', async () => {
    await using directory = await appDirectory()
    const { code, stderr } = await ending(directory.start({}, '--bogus'))
    assert.equal(code, 64)
    assert.match(stderr, /^app: there is no option --bogus\nusage: app/)
    assert.deepEqual(await readdir(directory.path), [])
  })

  it('exits with 75 while another app owns its sockets', async () => {
    await using directory = await appDirectory()
    await ready(directory.start())
    const { code, stderr } = await ending(directory.start())
    assert.equal(code, 75)
    assert.match(stderr, /in_use: another server owns .*\.sock/)
    assert.equal((await request(directory.endpoint('api'), { path: '/-/ready' })).status, 200)
  })

  it('exits with 73 if a file stands at the path, and leaves the file', async () => {
    await using directory = await appDirectory()
    await writeFile(join(directory.path, 'echo.sock'), 'precious')
    const { code, stderr } = await ending(directory.start())
    assert.equal(code, 73)
    assert.match(stderr, /path_occupied: a regular file stands at .*echo\.sock/)
    assert.deepEqual(
      (await readdir(directory.path)).filter((name) => name.endsWith('.sock')),
      ['echo.sock'],
    )
  })
})

describe('the app process with onConflict takeover', () => {
  it('replaces the running one, which exits with 0', async () => {
    await using directory = await appDirectory()
    const old = directory.start({ APP_ON_CONFLICT: 'takeover' })
    await ready(old)
    const ended = ending(old)
    const next = directory.start({ APP_ON_CONFLICT: 'takeover' })
    await ready(next)
    assert.equal((await ended).code, 0)
    const { body } = await request(directory.endpoint('api'), { path: '/status' })
    assert.equal(JSON.parse(String(body)).pid, next.pid)
  })

  it('exits with 75 if its TCP port is in use, and takes over nothing', async () => {
    await using directory = await appDirectory()
    const old = directory.start({ APP_ON_CONFLICT: 'takeover' })
    await ready(old)
    await using other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const env = { APP_ON_CONFLICT: 'takeover', APP_TCP: `tcp://127.0.0.1:${port}` }
    assert.equal((await ending(directory.start(env))).code, 75)
    assert.equal((await request(directory.endpoint('metrics'), { path: '/metrics' })).status, 200)
    const { body } = await request(directory.endpoint('api'), { path: '/status' })
    assert.equal(JSON.parse(String(body)).pid, old.pid)
  })
})

describe('the app process with an inherited listening socket', () => {
  it('serves on it, and does not remove its file', async () => {
    await using directory = await appDirectory()
    const app = directory.startAsUnit()
    await ready(app)
    const { body } = await request(directory.endpoint('api'), { path: '/status' })
    assert.equal(JSON.parse(String(body)).pid, app.pid)
    app.kill('SIGTERM')
    assert.equal((await ending(app)).code, 0)
    assert.deepEqual(
      (await readdir(directory.path)).filter((name) => name.endsWith('.sock')),
      ['api.sock'],
    )
  })
})
