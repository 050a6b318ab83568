import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, chown, link, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { request } from '@uds-sidecar/shared/http/request'
import { identityAt, modeOf, namesIn } from '@uds-sidecar/shared/testing/files'
import { greet, readAll, rejection } from '@uds-sidecar/shared/testing/listeners'
import { startPlain } from '@uds-sidecar/shared/testing/server-processes'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { GET } from '../testing/http-stack.ts'
import { Load } from '../testing/load.ts'
import { mirror } from '../testing/raw-server.ts'
import { opsPortOf, sidecarWith } from '../testing/sidecar-with.ts'
import { unixStack } from '../testing/unix-routes.ts'

const OPS = 'ops: "tcp://127.0.0.1:0"'
const OWN_GROUP = process.getegid?.() ?? 0
/** A group other than the first one that this process may give to its files; root may give any. */
const OTHER_GROUP =
  process.geteuid?.() === 0 ? 10_100 : (process.getgroups?.().find((gid) => gid !== OWN_GROUP) ?? OWN_GROUP)

/** Mode and group of a file. */
async function rightsOf(path: string): Promise<[mode: number, group: number]> {
  return [await modeOf(path), (await stat(path)).gid]
}

describe('the socket file of a route on unix:/path', () => {
  it('has mode 0660 and the group of the sidecar, if the route does not say otherwise', async () => {
    await using stack = await unixStack()
    await using _ = await sidecarWith(`routes: [${stack.route('a')}]`)
    assert.deepEqual(await rightsOf(stack.at('a.sock')), [0o660, OWN_GROUP])
  })

  it('has the group of a setgid directory', async () => {
    await using stack = await unixStack()
    await chown(stack.directory.path, process.geteuid?.() ?? 0, OTHER_GROUP)
    await chmod(stack.directory.path, 0o2755)
    await using _ = await sidecarWith(`routes: [${stack.route('a')}]`)
    assert.deepEqual(await rightsOf(stack.at('a.sock')), [0o660, OTHER_GROUP])
  })

  it('has the mode and the group that the route gives it, whatever the umask', async () => {
    await using stack = await unixStack()
    const before = process.umask(0o077)
    try {
      const rights = (mode: string) => `mode: "${mode}", group: ${OTHER_GROUP}`
      await using _ = await sidecarWith(
        `routes: [${stack.route('a', rights('0666'))}, ${stack.route('b', rights('600'))}]`,
      )
      assert.deepEqual(await rightsOf(stack.at('a.sock')), [0o666, OTHER_GROUP])
      assert.deepEqual(await rightsOf(stack.at('b.sock')), [0o600, OTHER_GROUP])
    } finally {
      process.umask(before)
    }
  })

  it('is removed at the end', async () => {
    await using stack = await unixStack()
    const sidecar = await sidecarWith(`routes: [${stack.route('a')}]`)
    assert.equal((await request({ kind: 'unix', path: stack.at('a.sock') }, { path: '/a' })).status, 200)
    await sidecar[Symbol.asyncDispose]()
    assert.deepEqual(await namesIn(stack.directory.path), ['a.sock.lock', 'u', 'u.lock'])
  })

  it('that somebody deletes is published again, with its rights, and the log says so', async () => {
    await using stack = await unixStack()
    await using sidecar = await stack.start(`routes: [${stack.route('a', 'mode: "0622"')}]`)
    await sidecar.started()
    await rm(stack.at('a.sock'))
    await sidecar.logs('the socket file was deleted; a new one is published')
    assert.equal(await modeOf(stack.at('a.sock')), 0o622)
    assert.equal((await request({ kind: 'unix', path: stack.at('a.sock') }, { path: '/a' })).status, 200)
  })
})

describe('a sidecar that starts where', () => {
  it('a killed server has left its socket, replaces it', async () => {
    await using stack = await unixStack()
    const killed = await startPlain(stack.at('a.sock'))
    await killed.crash()
    const stale = await identityAt(stack.at('a.sock'))
    await using _ = await sidecarWith(`routes: [${stack.route('a')}]`)
    assert.notEqual(await identityAt(stack.at('a.sock')), stale)
    assert.equal((await request({ kind: 'unix', path: stack.at('a.sock') }, { path: '/a' })).status, 200)
  })

  it('a server listens, is refused with in_use and 75, and leaves it alone', async () => {
    await using stack = await unixStack()
    await using _ = await greet(stack.at('a.sock'), 'first')
    for (const onConflict of ['refuse', 'takeover']) {
      await using sidecar = await stack.start(`routes: [${stack.route('a', `onConflict: ${onConflict}`)}]`)
      assert.equal(await sidecar.ended(), 75)
      assert.match(sidecar.errors(), /^sidecar: in_use: /)
      assert.equal(await readAll({ kind: 'unix', path: stack.at('a.sock') }), 'first')
    }
  })

  it('it would take over one socket, and cannot have a port, takes over none', async () => {
    await using stack = await unixStack()
    await using busy = createServer().listen(0, '127.0.0.1')
    await once(busy, 'listening')
    const address = busy.address()
    assert.ok(typeof address === 'object' && address !== null)
    const port = `tcp://127.0.0.1:${address.port}`
    const route = stack.route('a', 'onConflict: takeover')
    await using first = await stack.start(`routes: [${route}]`)
    await first.started()
    const before = await identityAt(stack.at('a.sock'))
    for (const [what, text] of [
      ['a route', `routes: [${route}, {name: b, kind: stream, listen: "${port}", upstream: "unix:/b"}]`],
      ['the operations port', `{ops: "${port}", routes: [${route}]}`],
    ] as const) {
      await using second = await stack.start(text)
      assert.equal(await second.ended(), 75, what)
      assert.equal(await identityAt(stack.at('a.sock')), before, what)
    }
    assert.doesNotMatch(first.log(), /took over/)
  })
})

describe('a takeover between two sidecars', () => {
  it('fails no request; the one that was replaced drains, and ends with 0', async () => {
    await using stack = await unixStack()
    const text = `{drain: 10s, routes: [${stack.route('a', 'onConflict: takeover')}]}`
    let running = await stack.start(text)
    try {
      await running.started()
      await using load = new Load(stack.at('a.sock'))
      for (let round = 0; round < 3; round++) {
        await load.more(50)
        const next = await stack.start(text)
        const old = running
        running = next
        await next.started()
        await load.more(50)
        assert.equal(await old.ended(), 0)
        assert.match(old.log(), /another server took over the socket; draining/)
      }
      await load.end()
    } finally {
      await running[Symbol.asyncDispose]()
    }
  })

  it('lets one that has other routes go on with those, until a reload removes them', async () => {
    await using stack = await unixStack()
    const taken = stack.route('a', 'onConflict: takeover')
    const text = (...routes: string[]) => `{${OPS}, routes: [${routes.join()}]}`
    await using old = await stack.start(text(taken, stack.route('b')))
    const ops = { kind: 'tcp', host: '127.0.0.1', port: await old.port('ops') } as const
    await using _ = await stack.start(`routes: [${taken}]`)
    const replaced = async () => {
      const { routes } = JSON.parse(String((await request(ops, { path: '/routes' })).body))
      return routes.map((route: { replaced: boolean }) => route.replaced)
    }
    await eventually('the takeover', async () => (await replaced())[0])
    assert.deepEqual(await replaced(), [true, false])
    assert.equal((await request({ kind: 'unix', path: stack.at('b.sock') }, { path: '/a' })).status, 200)
    const before = await identityAt(stack.at('a.sock'))
    assert.equal(await old.reload(text(stack.route('a', 'mode: "0600"'), stack.route('b'))), true)
    assert.match(old.log(), /it stays with that server until this sidecar is started again/)
    assert.equal(await identityAt(stack.at('a.sock')), before)
    assert.deepEqual(await replaced(), [true, false])
    assert.equal(await old.reload(text(taken)), true)
    assert.equal(await old.ended(), 0)
  })

  it('drains a stream route only once its old socket accepts no more', async () => {
    await using stack = await unixStack()
    const route = `{name: s, kind: stream, listen: "unix:${stack.at('s')}", upstream: "unix:${stack.at('u')}", onConflict: takeover}`
    await using sidecar = await sidecarWith(`routes: [${route}]`)
    await link(stack.at('s'), stack.at('old')) // leads to the old socket, also after the takeover
    await using _next = await greet(stack.at('s'), 'next', { onConflict: 'takeover' })
    await eventually('the takeover', () => sidecar.routes[0]?.isReplaced === true)
    const failure = await rejection(dial({ kind: 'unix', path: stack.at('old') }))
    assert.equal(failure.code, 'socket_stale')
  })
})

describe('a caller on a Unix socket', () => {
  it('is unknown in X-Forwarded-For, whatever it sends itself', async () => {
    await using stack = await unixStack(mirror)
    await using _ = await sidecarWith(`routes: [${stack.route('a')}]`)
    for (const own of [
      '',
      'X-Forwarded-For: 10.0.0.1\r\n',
      'X-Forwarded-For: 0\r\nForwarded: for=unknown\r\n',
    ]) {
      using client = new Conversation(stack.at('a.sock'))
      client.send(`GET /a HTTP/1.1\r\nHost: a\r\n${own}X_Forwarded_For: uid 0\r\nConnection: close\r\n\r\n`)
      const fields = (await client.toItsEnd()).match(/^[^\r\n:]*forwarded[^\r\n]*/gim)
      assert.deepEqual(fields, ['X-Forwarded-For: unknown', 'X-Forwarded-Proto: http'])
    }
  })

  it('is its uid in /routes and /metrics, and in the log at its first connection', async () => {
    await using stack = await unixStack()
    await using sidecar = await stack.start(`{${OPS}, routes: [${stack.route('a')}]}`)
    const ops = { kind: 'tcp', host: '127.0.0.1', port: await sidecar.port('ops') } as const
    for (let count = 0; count < 2; count++)
      assert.equal((await request({ kind: 'unix', path: stack.at('a.sock') }, { path: '/a' })).status, 200)
    const uid = `${process.geteuid?.()}`
    const { routes } = JSON.parse(String((await request(ops, { path: '/routes' })).body))
    assert.deepEqual(routes[0].connectionsByUid, { [uid]: 2 })
    const metrics = String((await request(ops, { path: '/metrics' })).body)
    assert.ok(metrics.includes(`sidecar_connections_by_uid_total{route="a",uid="${uid}"} 2\n`))
    const lines = sidecar
      .log()
      .split('\n')
      .filter((line) => line.includes('first connection of this user'))
    assert.deepEqual(
      lines.map((line) => [JSON.parse(line).route, JSON.parse(line).uid]),
      [['a', uid]],
    )
  })

  it('beside 32 others is counted as other, and one whose uid is not known as unknown', async () => {
    await using stack = await unixStack()
    await using sidecar = await sidecarWith(`{${OPS}, routes: [${stack.route('a')}]}`)
    const counters = sidecar.routes[0]?.counters
    for (let uid = 1; uid <= 40; uid++) counters?.connected(uid)
    for (const uid of [null, 1, null]) counters?.connected(uid)
    const ops = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
    const { routes } = JSON.parse(String((await request(ops, { path: '/routes' })).body))
    const { other, unknown, ...uids } = routes[0].connectionsByUid
    assert.deepEqual([other, unknown, Object.keys(uids).length, uids['1']], [8, 2, 32, 2])
  })

  it('has no uid on TCP', async () => {
    await using stack = await unixStack()
    const route = stack.route('a').replace(/unix:[^"]*a\.sock/, 'tcp://127.0.0.1:0')
    await using sidecar = await sidecarWith(`{${OPS}, routes: [${route}]}`)
    const [first] = sidecar.routes
    assert.ok(first?.listen.kind === 'tcp')
    using client = new Conversation(first.listen.port)
    await client.send(GET).hears('200 OK')
    const ops = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(sidecar) } as const
    const { routes } = JSON.parse(String((await request(ops, { path: '/routes' })).body))
    assert.equal(routes[0].connectionsByUid, null)
  })
})
