import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Diagnosis } from '../doctor/diagnosis.ts'
import {
  fillBacklog,
  leaveStaleSocket,
  serve,
  startPausedServer,
  temporaryDirectory,
} from '../testing/broken-server.ts'
import { callClient } from '../testing/call-client.ts'
import { type Finished, runClient } from '../testing/run-client.ts'

const AS_ROOT = process.getuid?.() === 0
const NOBODY = AS_ROOT ? { uid: 65_534, gid: 65_534 } : {}

function read({ stdout, exitCode }: Finished): Diagnosis & { processExitCode: number | null } {
  return { ...JSON.parse(stdout).diagnoses[0], processExitCode: exitCode }
}

const doctor = async (...args: string[]) =>
  read(await callClient(['doctor', '--json', '--timeout-ms', '300', ...args]))

/** As a user whom permissions hold: root is not held. */
const doctorAsNobody = async (...args: string[]) =>
  read(await runClient(['doctor', '--json', ...args], NOBODY))

interface Expected {
  readonly verdict: Diagnosis['verdict']
  readonly code: string
  readonly exitCode: number
  /** A part of one of the fixes. */
  readonly fix: string
}

function assertFinding(
  diagnosis: Awaited<ReturnType<typeof doctor>>,
  { verdict, code, exitCode, fix }: Expected,
) {
  assert.equal(diagnosis.verdict, verdict, JSON.stringify(diagnosis))
  assert.equal(diagnosis.finding?.code, code)
  assert.equal(diagnosis.processExitCode, exitCode)
  const fixes = diagnosis.finding?.fixes.map(({ text }) => text) ?? []
  assert.ok(
    fixes.some((text) => text.includes(fix)),
    `${fix} is not among ${JSON.stringify(fixes)}`,
  )
}

describe('doctor, of a path', () => {
  it('that is too long counts its bytes', async () => {
    const diagnosis = await doctor(`unix:/${'é'.repeat(60)}`)
    assertFinding(diagnosis, {
      verdict: 'path_too_long',
      code: 'path_too_long',
      exitCode: 78,
      fix: 'shorter',
    })
    assert.match(diagnosis.finding?.message ?? '', /121 bytes and may have 107/)
  })

  it('that is no endpoint says what one is', async () => {
    const expected = {
      verdict: 'bad_endpoint',
      code: 'bad_endpoint',
      exitCode: 78,
      fix: 'unix:/absolute',
    } as const
    assertFinding(await doctor('unix:relative.sock'), expected)
  })

  it('whose directory is missing names it', async () => {
    await using temporary = await temporaryDirectory()
    const diagnosis = await doctor(`unix:${temporary.directory}/no/such/a.sock`)
    const fix = `volumes: ["VOLUME:${temporary.directory}/no/such:ro"]`
    assertFinding(diagnosis, { verdict: 'directory_missing', code: 'socket_missing', exitCode: 69, fix })
    assert.match(diagnosis.finding?.message ?? '', new RegExp(`${temporary.directory}/no does not exist`))
  })

  it('whose parent lacks x for us names the directory, its mode and the mode that mends it', async () => {
    await using temporary = await temporaryDirectory()
    const closed = join(temporary.directory, 'closed')
    await mkdir(closed)
    await using _server = await serve(join(closed, 'a.sock'), (socket) => socket.end())
    await chmod(temporary.directory, 0o755)
    await chmod(closed, 0o600)
    const diagnosis = await doctorAsNobody(`unix:${closed}/a.sock`)
    await chmod(closed, 0o700)
    const fix = AS_ROOT ? 'mode=0610' : `chmod u+x ${closed}`
    assertFinding(diagnosis, { verdict: 'directory_denied', code: 'socket_denied', exitCode: 77, fix })
    assert.match(diagnosis.finding?.message ?? '', /may not pass through \S+closed \(mode 0600, owner/)
  })

  it('whose parent lets the group through says which group to join', async () => {
    await using temporary = await temporaryDirectory()
    const grouped = join(temporary.directory, 'grouped')
    await mkdir(grouped)
    await chmod(temporary.directory, 0o755)
    await chmod(grouped, 0o010)
    const diagnosis = await doctorAsNobody(`unix:${grouped}/a.sock`)
    await chmod(grouped, 0o700)
    const fix = AS_ROOT ? 'group_add: ["0"]' : `chmod u+x ${grouped}`
    assertFinding(diagnosis, { verdict: 'directory_denied', code: 'socket_denied', exitCode: 77, fix })
  })
})

describe('doctor, of a file', () => {
  it('that is not there names the near one', async () => {
    await using temporary = await temporaryDirectory()
    await using _server = await serve(join(temporary.directory, 'metrics.sock'), (socket) => socket.end())
    const diagnosis = await doctor(`unix:${temporary.directory}/metric.sock`)
    const fix = `client doctor unix:${temporary.directory}/metrics.sock`
    assertFinding(diagnosis, { verdict: 'file_missing', code: 'socket_missing', exitCode: 69, fix })
  })

  it('that is a link to nothing names the target', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'link.sock')
    await symlink('gone.sock', path)
    const diagnosis = await doctor(`unix:${path}`)
    assertFinding(diagnosis, {
      verdict: 'dangling_link',
      code: 'socket_missing',
      exitCode: 69,
      fix: `ln -sfn`,
    })
    assert.match(diagnosis.finding?.message ?? '', /to gone.sock, which is not there/)
  })

  it('that is a link to a live socket follows it', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'real.sock')
    await using _server = await serve(path, (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
    await symlink('real.sock', join(temporary.directory, 'link.sock'))
    assert.equal((await doctor(`unix:${temporary.directory}/link.sock`)).verdict, 'live')
  })

  it('that is a regular file says so', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'file.sock')
    await writeFile(path, '')
    const expected = {
      verdict: 'not_a_socket',
      code: 'not_a_socket',
      exitCode: 78,
      fix: `mv ${path}`,
    } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('that is a directory explains how Docker makes one', async () => {
    await using temporary = await temporaryDirectory()
    await mkdir(join(temporary.directory, 'dir.sock'))
    const diagnosis = await doctor(`unix:${temporary.directory}/dir.sock`)
    const fix = `volumes: ["VOLUME:${temporary.directory}:ro"]`
    assertFinding(diagnosis, { verdict: 'not_a_socket', code: 'not_a_socket', exitCode: 78, fix })
  })

  it('that is a fifo says so', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'fifo.sock')
    assert.equal(spawnSync('mkfifo', [path]).status, 0)
    assert.match((await doctor(`unix:${path}`)).finding?.message ?? '', /is a fifo/)
  })

  it('that is a datagram socket says that it is another type', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'datagram.sock')
    const bind = 'socket S,AF_UNIX,SOCK_DGRAM,0;bind S,sockaddr_un shift or die;$|=1;print "ready";sleep 60'
    const child = spawn('perl', ['-MSocket', '-e', bind, path])
    await once(child.stdout, 'data')
    const diagnosis = await doctor(`unix:${path}`)
    child.kill()
    assertFinding(diagnosis, {
      verdict: 'wrong_socket_type',
      code: 'not_a_socket',
      exitCode: 78,
      fix: 'ss -xa',
    })
  })

  it('whose mode denies us says which group to join', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'denied.sock')
    await using _server = await serve(path, (socket) => socket.end())
    await chmod(path, 0o060)
    const fix = AS_ROOT ? 'group_add: ["0"]' : `chmod u+w ${path}`
    const expected = { verdict: 'socket_denied', code: 'socket_denied', exitCode: 77, fix } as const
    assertFinding(await doctorAsNobody(`unix:${path}`), expected)
  })

  it('whose mode denies its group too says which mode mends it', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'closed.sock')
    await using _server = await serve(path, (socket) => socket.end())
    await chmod(path, 0)
    const diagnosis = await doctorAsNobody(`unix:${path}`)
    const fix = AS_ROOT ? `chmod g+w ${path}` : `chmod u+w ${path}`
    assertFinding(diagnosis, { verdict: 'socket_denied', code: 'socket_denied', exitCode: 77, fix })
    assert.match(diagnosis.finding?.message ?? '', /mode 0000/)
  })

  it('whose mode is for its owner alone says so first', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'private.sock')
    await using _server = await serve(path, (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
    await chmod(path, 0o600)
    const { verdict, finding } = await doctorAsNobody(`unix:${path}`)
    assert.equal(verdict, AS_ROOT ? 'socket_denied' : 'live')
    assert.equal(finding?.fixes[0]?.text, AS_ROOT ? 'user: "0"' : undefined)
  })

  it('whose mode lets everybody in is live, with a note', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'open.sock')
    await using _server = await serve(path, (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
    await chmod(path, 0o666)
    const { verdict, steps, processExitCode } = await doctor(`unix:${path}`)
    assert.deepEqual({ verdict, processExitCode }, { verdict: 'live', processExitCode: 0 })
    assert.match(
      steps.find(({ state }) => state === 'note')?.said ?? '',
      /every user of this machine may connect/,
    )
  })
})

describe('doctor, of a listener', () => {
  it('that is gone and left its file calls it stale', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'stale.sock')
    await leaveStaleSocket(path)
    const expected = { verdict: 'stale', code: 'socket_stale', exitCode: 69, fix: `rm ${path}` } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('that is paused calls it hung', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'paused.sock')
    await using _paused = await startPausedServer({ path })
    const expected = { verdict: 'hung', code: 'upstream_timeout', exitCode: 69, fix: 'kill -CONT' } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('whose backlog is full says so', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'full.sock')
    await using _paused = await startPausedServer({ path })
    using _full = await fillBacklog({ path })
    const expected = { verdict: 'backlog_full', code: 'backlog_full', exitCode: 69, fix: 'ss -xlpn' } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('that has no such abstract name explains the network namespace', async () => {
    const fix = 'network_mode: "service:SERVER"'
    const expected = { verdict: 'name_missing', code: 'socket_missing', exitCode: 69, fix } as const
    assertFinding(await doctor('unix:@nobody-has-this-name'), expected)
  })

  it('that hangs up at once calls it a reset', async () => {
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

  it('that speaks another protocol than HTTP shows its first words', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'redis.sock')
    await using _server = await serve(path, (socket) => socket.end('-ERR unknown command\r\n'))
    const diagnosis = await doctor(`unix:${path}`)
    const expected = {
      verdict: 'wrong_protocol',
      code: 'upstream_malformed',
      exitCode: 69,
      fix: '--protocol echo',
    }
    assertFinding(diagnosis, expected as Expected)
    assert.match(diagnosis.finding?.message ?? '', /-ERR unknown command/)
    assert.equal((await doctor(`unix:${path}`, '--protocol', 'none')).verdict, 'live')
  })

  it('that speaks HTTP where echo is asked shows its first words', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'http.sock')
    await using server = createHttpServer()
    await once(server.listen(path), 'listening')
    const diagnosis = await doctor(`unix:${path}`, '--protocol', 'echo')
    assert.equal(diagnosis.verdict, 'wrong_protocol')
    assert.match(diagnosis.finding?.message ?? '', /HTTP\/1.1 400 Bad Request/)
  })

  it('that says what is behind it is down passes its code and hint on', async () => {
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

describe('doctor, over TCP', () => {
  it('of a closed port says that nobody listens', async () => {
    const server = await serve(0, (socket) => socket.destroy())
    const { port } = server.address() as AddressInfo
    await server[Symbol.asyncDispose]()
    const fix = `sport = :${port}`
    const expected = { verdict: 'refused', code: 'connection_refused', exitCode: 69, fix } as const
    assertFinding(await doctor(`tcp://127.0.0.1:${port}`), expected)
  })

  it('of a server that drops what it cannot queue says that the host does not answer', async () => {
    await using paused = await startPausedServer({ host: '127.0.0.1', port: 0 })
    const { port } = paused.address as { port: number }
    using _full = await fillBacklog({ port })
    const expected = {
      verdict: 'connect_timeout',
      code: 'upstream_timeout',
      exitCode: 69,
      fix: 'nft list',
    } as const
    assertFinding(await doctor(`tcp://127.0.0.1:${port}`), expected)
  })

  it('of an address that no packet may go to says that there is no route', async () => {
    const fix = 'networks: [edge]'
    const expected = { verdict: 'unreachable', code: 'host_unreachable', exitCode: 69, fix } as const
    assertFinding(await doctor('tcp://255.255.255.255:80'), expected)
  })

  it('of a name that cannot be (RFC 6761) says that it does not resolve', async () => {
    const fix = 'getent hosts'
    const expected = { verdict: 'host_unknown', code: 'host_unknown', exitCode: 69, fix } as const
    assertFinding(await doctor('tcp://no-such-host.invalid:80', '--timeout-ms', '10000'), expected)
  })

  it('of a server that hangs up says reset', async () => {
    await using server = await serve(0, (socket) => socket.resetAndDestroy())
    const { port } = server.address() as AddressInfo
    assert.equal((await doctor(`tcp://127.0.0.1:${port}`)).verdict, 'reset')
  })
})
