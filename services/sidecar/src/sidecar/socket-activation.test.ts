import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { request } from '@uds-sidecar/shared/http/request'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { identityAt, modeOf, namesIn } from '@uds-sidecar/shared/testing/files'
import { rejection } from '@uds-sidecar/shared/testing/listeners'
import { type PassedSocket, socketUnits, WRONG_SOCKETS } from '@uds-sidecar/shared/testing/processes'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { type UnixStack, unixStack } from '../testing/unix-routes.ts'
import { InheritedSockets } from './inherited-sockets.ts'

/** A listening Unix socket of this mode. */
function unixSocket(stack: UnixStack, name: string, mode = '0660'): PassedSocket {
  const make = `socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, pack_sockaddr_un($path)) and listen(S, 8) and chmod(${mode}, $path) or die $!;`
  return { name, path: stack.at(`${name}.sock`), make }
}

/** A listening TCP socket on this port of 127.0.0.1. */
function tcpSocket(name: string, port: number): PassedSocket {
  const make = `socket(S, AF_INET, SOCK_STREAM, 0) and setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1) and bind(S, pack_sockaddr_in(${port}, INADDR_LOOPBACK)) and listen(S, 8) or die $!;`
  return { name, make }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  await once(server.close(), 'close')
  return address.port
}

async function statusAt(path: string): Promise<number> {
  return (await request({ kind: 'unix', path }, { path: '/a' })).status
}

/** Starts a sidecar with these sockets, which must refuse to start. @returns what it says */
async function refusalOf(stack: UnixStack, text: string, sockets: readonly PassedSocket[]): Promise<string> {
  await using sidecar = await stack.start(text, { wrapper: socketUnits(sockets) })
  assert.equal(await sidecar.ended(), 78)
  return sidecar.errors()
}

describe('a sidecar to which systemd passes sockets', () => {
  it('serves on each under the route of its name, makes no file, and removes none', async () => {
    await using stack = await unixStack()
    const port = await freePort()
    const tcp = `{name: tcp, kind: stream, listen: "tcp://127.0.0.1:${port}", upstream: "unix:${stack.at('u')}"}`
    const text = `{ops: "unix:${stack.at('ops.sock')}", routes: [${stack.route('a')}, ${tcp}, ${stack.route('own')}]}`
    const sockets = [tcpSocket('tcp', port), unixSocket(stack, 'ops'), unixSocket(stack, 'a')]
    await using sidecar = await stack.start(text, { wrapper: socketUnits(sockets) })
    await sidecar.started()
    const before = await identityAt(stack.at('a.sock'))
    for (const path of [stack.at('a.sock'), stack.at('own.sock')]) assert.equal(await statusAt(path), 200)
    assert.equal((await request({ kind: 'tcp', host: '127.0.0.1', port }, { path: '/' })).status, 200)
    const { body } = await request({ kind: 'unix', path: stack.at('ops.sock') }, { path: '/routes' })
    assert.equal(JSON.parse(String(body)).routes[0].connectionsByUid[`${process.geteuid?.()}`], 1)
    assert.doesNotMatch(sidecar.log(), /not applied/)
    sidecar.child.kill('SIGTERM')
    assert.equal(await sidecar.ended(), 0)
    assert.equal(await identityAt(stack.at('a.sock')), before)
    assert.deepEqual(await namesIn(stack.directory.path), [
      '1.yaml',
      'a.sock',
      'ops.sock',
      'own.sock.lock',
      'u',
      'u.lock',
    ])
  })

  it('for another process, does not use them', async () => {
    await using stack = await unixStack()
    const wrapper = socketUnits([{ ...unixSocket(stack, 'other'), name: 'a' }], '$$ + 1')
    await using sidecar = await stack.start(`routes: [${stack.route('a')}]`, { wrapper })
    await sidecar.started()
    assert.equal(await statusAt(stack.at('a.sock')), 200)
    assert.ok((await namesIn(stack.directory.path)).includes('a.sock.lock'), 'it has bound the path itself')
  })

  it('does not apply mode, group and onConflict, and says so', async () => {
    await using stack = await unixStack()
    const text = `routes: [${stack.route('a', 'mode: "0666", group: 12345, onConflict: takeover')}]`
    const wrapper = socketUnits([unixSocket(stack, 'a', '0600')])
    await using sidecar = await stack.start(text, { wrapper })
    await sidecar.started()
    await sidecar.logs('mode, group and onConflict are not applied: the socket was passed by systemd')
    assert.equal(await modeOf(stack.at('a.sock')), 0o600)
  })

  it('keeps its socket through a reload that changes the route, and its mode', async () => {
    await using stack = await unixStack()
    const wrapper = socketUnits([unixSocket(stack, 'a')])
    await using sidecar = await stack.start(`routes: [${stack.route('a')}]`, { wrapper })
    await sidecar.started()
    const before = await identityAt(stack.at('a.sock'))
    const changed = stack.route('a', 'mode: "0666"')
    assert.equal(await sidecar.reload(`routes: [${changed}]`), true)
    assert.match(sidecar.log(), /"route":"a",.*mode, group and onConflict are not applied/)
    assert.equal(await sidecar.reload(`routes: [${changed.replace('GET|POST /a', 'GET /b')}]`), true)
    assert.equal(await statusAt(stack.at('a.sock')), 403)
    assert.equal(await sidecar.reload(`routes: [${stack.route('a', 'mode: "0600"')}]`), false)
    assert.match(sidecar.log(), /has mode 0660, and the route allows 0600/)
    assert.equal(await statusAt(stack.at('a.sock')), 403)
    assert.equal(await identityAt(stack.at('a.sock')), before)
    assert.equal(await modeOf(stack.at('a.sock')), 0o660)
  })

  it('closes the socket of a route that a reload removes, and leaves its file', async () => {
    await using stack = await unixStack()
    const wrapper = socketUnits([unixSocket(stack, 'a')])
    await using sidecar = await stack.start(`routes: [${stack.route('a')}, ${stack.route('b')}]`, { wrapper })
    await sidecar.started()
    assert.equal(await sidecar.reload(`routes: [${stack.route('b')}]`), true)
    await sidecar.logs('"msg":"the new configuration is active"')
    await eventually(
      'nobody to listen on the socket',
      async () => (await outcomeOfDial(stack.at('a.sock'))) === 'socket_stale',
    )
  })
})

/** A connection that still waits when the socket is closed is reset: only the dials after it find nobody. */
async function outcomeOfDial(path: string): Promise<string> {
  try {
    const socket = await dial({ kind: 'unix', path })
    socket.destroy()
    return 'connected'
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return error.code
  }
}

describe('a sidecar does not start, exits with 78 and says what to do, when systemd passes', () => {
  for (const [what, make] of Object.entries(WRONG_SOCKETS))
    it(`a descriptor that ${what}`, async () => {
      await using stack = await unixStack()
      const socket = { ...unixSocket(stack, 'a'), make }
      const said = await refusalOf(stack, `routes: [${stack.route('a')}]`, [socket])
      assert.match(said, /^sidecar: bad_option: a: descriptor 3 is not the socket of unix:\S+a\.sock: it /)
      assert.ok(said.includes(`it ${what}`), said)
      assert.match(said, /ListenStream= .* FileDescriptorName=/)
    })

  it('the socket of another path', async () => {
    await using stack = await unixStack()
    const socket = { ...unixSocket(stack, 'other', '0666'), name: 'a' }
    const said = await refusalOf(stack, `routes: [${stack.route('a')}]`, [socket])
    assert.match(
      said,
      /^sidecar: bad_option: a: .*a\.sock: it listens on unix:\S+other\.sock\n {2}hint: .*ListenStream=/,
    )
  })

  it('the socket of another port', async () => {
    await using stack = await unixStack()
    const [port, wanted] = [await freePort(), await freePort()]
    const text = `routes: [{name: tcp, kind: stream, listen: "tcp://127.0.0.1:${wanted}", upstream: "unix:/u"}]`
    const said = await refusalOf(stack, text, [tcpSocket('tcp', port)])
    assert.ok(said.includes(`tcp://127.0.0.1:${wanted}: it listens on tcp://127.0.0.1:${port}\n`), said)
  })

  it('a name that no route has', async () => {
    await using stack = await unixStack()
    const sockets = [unixSocket(stack, 'a'), unixSocket(stack, 'sidecar.socket'), unixSocket(stack, 'ops')]
    const said = await refusalOf(stack, `routes: [${stack.route('a')}]`, sockets)
    assert.match(
      said,
      /^sidecar: bad_config: LISTEN_FDNAMES has "sidecar.socket", "ops", and no route has that name\n/,
    )
    assert.match(said, /hint: set FileDescriptorName= of the socket unit to a route: a\n/)
  })

  it('a socket that is more open than the route, as systemd does by default (0666)', async () => {
    await using stack = await unixStack()
    for (const [settings, mode, allowed] of [
      ['', '0666', '0660'],
      ['mode: "0600"', '0660', '0600'],
    ] as const) {
      const said = await refusalOf(stack, `routes: [${stack.route('a', settings)}]`, [
        { ...unixSocket(stack, 'a', mode), make: `unlink($path); ${unixSocket(stack, 'a', mode).make}` },
      ])
      assert.match(
        said,
        new RegExp(
          `^sidecar: bad_config: .*route a, .*a\\.sock, has mode ${mode}, and the route allows ${allowed}\n`,
        ),
      )
      assert.match(
        said,
        new RegExp(`hint: set SocketMode=${allowed} in the socket unit, or mode: "${mode}" in the route`),
      )
    }
  })

  it('a descriptor that is not open', async () => {
    const { name, listen } = { name: 'a', listen: { kind: 'unix', path: '/a' } as const }
    const sockets = new InheritedSockets(new Map([[name, 9_999]]))
    const failure = await rejection(sockets.takeFor({ name, listen }, createLog('sidecar', 'silent')))
    assert.equal(failure.exitCode, 78)
    assert.equal(failure.code, 'bad_config')
    assert.match(failure.message, /^a: LISTEN_FDS says that descriptor 9999 was passed/)
  })
})

it('an inherited socket whose mode is opened while the sidecar runs is refused at the next reload of its route', async () => {
  await using stack = await unixStack()
  const wrapper = socketUnits([unixSocket(stack, 'a')])
  await using sidecar = await stack.start(`routes: [${stack.route('a')}]`, { wrapper })
  await sidecar.started()
  await chmod(stack.at('a.sock'), 0o666)
  assert.equal(
    await sidecar.reload(`routes: [${stack.route('a', 'passFields: []').replace('POST', 'PUT')}]`),
    false,
  )
  assert.match(sidecar.log(), /has mode 0666, and the route allows 0660/)
})
