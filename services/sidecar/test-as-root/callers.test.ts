import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { dialAs } from '@uds-sidecar/shared/testing/listeners'
import { Perl, WITHOUT_FFI } from '@uds-sidecar/shared/testing/processes'
import { asUser, GROUP, OWNER, requireRoot, STRANGER } from '@uds-sidecar/shared/testing/users'
import { OK } from '../src/testing/http-stack.ts'
import { type OnReceived, responding } from '../src/testing/raw-server.ts'
import type { SidecarProcessOptions } from '../src/testing/sidecar-process.ts'
import { unixStack } from '../src/testing/unix-routes.ts'

requireRoot()

const NOBODY = 65_534

/** Becomes the user whose number is the second argument. */
const BECOME = 'my ($path, $uid, $path_of_request, $count) = @ARGV; $( = $) = "$uid $uid"; $< = $> = $uid;'
const CONNECT = 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un($path)) or die $!;'
const SEND = 'syswrite($s, "GET $path_of_request HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n");'

/** This user opens connections, sends a request on each, and keeps them. */
function keepOpen(socket: string, uid: number, path: string, count: number): Promise<Perl> {
  const script = `${BECOME} my @open; for (1 .. $count) { ${CONNECT} ${SEND} push @open, $s } print 1; sleep`
  return Perl.run(script, socket, `${uid}`, path, `${count}`)
}

/** This user sends one request. @returns the status of the response; undefined without one in 60 s */
async function statusFor(socket: string, uid: number, path = '/a'): Promise<string | undefined> {
  const script = `alarm 60; ${BECOME} ${CONNECT} ${SEND} sysread($s, my $head, 12); print $head`
  const perl = spawn('perl', ['-MSocket', '-e', script, socket, `${uid}`, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return /^HTTP\/1\.1 (\d+)$/.exec(await text(perl.stdout))?.[1]
}

/** Responds to `/a`, and to nothing else. */
const upstream: OnReceived = (dialogue) => {
  if (dialogue.received.startsWith('GET /a ')) responding(OK)(dialogue)
}

/** A sidecar with one route on a socket that everybody may use. */
async function openToAll(settings: string, options: SidecarProcessOptions = {}) {
  const stack = await unixStack(upstream)
  const route = stack.route('a', `mode: "0666", ${settings}`).replace('[GET|POST /a]', '[GET /a, GET /hang]')
  const sidecar = await stack.start(`{ops: "tcp://127.0.0.1:0", routes: [${route}]}`, options)
  const ops = { kind: 'tcp', host: '127.0.0.1', port: await sidecar.port('ops') } as const
  const routes = async () => JSON.parse(String((await request(ops, { path: '/routes' })).body)).routes
  return {
    socket: stack.at('a.sock'),
    byUid: async () => (await routes())[0].connectionsByUid,
    metrics: async () => String((await request(ops, { path: '/metrics' })).body),
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await stack[Symbol.asyncDispose]()
    },
  }
}

describe('two users on one socket of the sidecar', () => {
  it('have connections of their own: one that has taken all of its own does not affect the other', async () => {
    await using sidecar = await openToAll('limits: {connectionsPerAddress: 3}')
    await using _open = await keepOpen(sidecar.socket, OWNER, '/a', 3)
    assert.equal(await statusFor(sidecar.socket, OWNER), '503')
    assert.equal(await statusFor(sidecar.socket, STRANGER), '200')
    assert.deepEqual(await sidecar.byUid(), { [OWNER]: 3, [STRANGER]: 1 })
  })

  it('share the upstream connections: one whose requests hang does not affect the other', async () => {
    await using sidecar = await openToAll(
      'limits: {upstreamConnections: 8}, timeouts: {responseHead: 10m, total: 10m}',
    )
    await using _open = await keepOpen(sidecar.socket, OWNER, '/hang', 20)
    assert.equal(await statusFor(sidecar.socket, STRANGER), '200')
  })

  it('are let in by mode and group of the route', async () => {
    await using stack = await unixStack(upstream)
    await using sidecar = await stack.start(`routes: [${stack.route('a', `mode: "0660", group: ${GROUP}`)}]`)
    await sidecar.started()
    const endpoint = { kind: 'unix', path: stack.at('a.sock') } as const
    assert.equal(await dialAs(asUser(OWNER, [GROUP]), endpoint), 'connected')
    assert.deepEqual(await dialAs(asUser(STRANGER), endpoint), { code: 'socket_denied', errno: 'EACCES' })
  })
})

describe('a user whom the sidecar does not know', () => {
  it('because its uid is the overflow id, counts as unknown, and has the connections of all unknown ones', async () => {
    await using sidecar = await openToAll('limits: {connectionsPerAddress: 2}')
    await using _open = await keepOpen(sidecar.socket, NOBODY, '/a', 2)
    assert.equal(await statusFor(sidecar.socket, NOBODY), '503')
    assert.equal(await statusFor(sidecar.socket, STRANGER), '200')
    assert.deepEqual(await sidecar.byUid(), { unknown: 2, [STRANGER]: 1 })
  })

  it('because its uid is not mapped in the user namespace of the sidecar, counts as unknown', async () => {
    await using sidecar = await openToAll('', { wrapper: ['unshare', '--user', '--map-root-user'] })
    for (const uid of [OWNER, STRANGER, 0]) assert.equal(await statusFor(sidecar.socket, uid), '200')
    assert.deepEqual(await sidecar.byUid(), { unknown: 2, 0: 1 })
  })

  it('because there is no node:ffi, is served all the same, and all users count as one', async () => {
    await using sidecar = await openToAll('limits: {connectionsPerAddress: 2}', { nodeArgs: WITHOUT_FFI })
    await using _open = await keepOpen(sidecar.socket, OWNER, '/a', 1)
    assert.equal(await statusFor(sidecar.socket, STRANGER), '200')
    assert.deepEqual(await sidecar.byUid(), { unknown: 2 })
  })
})

it('the metrics have 32 uids at most, and count the others as other', async () => {
  await using sidecar = await openToAll('')
  for (let uid = 20_000; uid < 20_034; uid++) assert.equal(await statusFor(sidecar.socket, uid), '200')
  const series = (await sidecar.metrics()).match(/^sidecar_connections_by_uid_total\{.*$/gm) ?? []
  assert.equal(series.length, 33)
  assert.ok(series.includes('sidecar_connections_by_uid_total{route="a",uid="other"} 2'))
})
