import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { identityAt, modeOf, namesIn } from '@uds-sidecar/shared/testing/files'
import { lockHolder } from '@uds-sidecar/shared/testing/server-processes'
import { UNPRIVILEGED } from '@uds-sidecar/shared/testing/users'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../testing/conversation.ts'
import { GET } from '../testing/http-stack.ts'
import { Load } from '../testing/load.ts'
import { unixStack } from '../testing/unix-routes.ts'

/** A group in which no user of these tests is. */
const FOREIGN = 54_321
const OPS_PORT = 'ops: "tcp://127.0.0.1:0"'

/** The status of GET `path` over the socket at `socket`. */
async function statusAt(socket: string, path = '/a'): Promise<number> {
  return (await request({ kind: 'unix', path: socket }, { path })).status
}

describe('a reload (SIGHUP) that changes', () => {
  it('mode, group or onConflict of a route, gives its socket the new rights and fails no request', async () => {
    await using stack = await unixStack()
    const own = process.getegid?.() ?? 0
    const text = (settings: string) => `routes: [${stack.route('a', settings)}]`
    await using sidecar = await stack.start(text('mode: "0600"'))
    await sidecar.started()
    await using load = new Load(stack.at('a.sock'))
    for (const [settings, mode] of [
      ['mode: "0666"', 0o666],
      [`mode: "0620", group: ${own}`, 0o620],
      ['', 0o660],
      ['onConflict: takeover', 0o660],
      ['mode: "0600", onConflict: refuse', 0o600],
    ] as const) {
      await load.more(20)
      const before = await identityAt(stack.at('a.sock'))
      assert.equal(await sidecar.reload(text(settings)), true)
      assert.equal(await modeOf(stack.at('a.sock')), mode)
      assert.notEqual(await identityAt(stack.at('a.sock')), before)
      await load.more(20)
    }
    await load.end()
    assert.deepEqual(await namesIn(stack.directory.path), ['1.yaml', 'a.sock', 'a.sock.lock', 'u', 'u.lock'])
  })

  it('onConflict, decides whether the next sidecar may take over', async () => {
    await using stack = await unixStack()
    const takeover = `routes: [${stack.route('a', 'onConflict: takeover')}]`
    await using sidecar = await stack.start(`routes: [${stack.route('a')}]`)
    await sidecar.started()
    await using refused = await stack.start(takeover)
    assert.equal(await refused.ended(), 75)
    assert.equal(await sidecar.reload(takeover), true)
    await using next = await stack.start(takeover)
    await next.started()
    assert.equal(await sidecar.ended(), 0)
  })

  it('nothing of the socket file, leaves it as it is', async () => {
    await using stack = await unixStack()
    await using sidecar = await stack.start(`routes: [${stack.route('a')}]`)
    await sidecar.started()
    const before = await identityAt(stack.at('a.sock'))
    assert.equal(await sidecar.reload(`routes: [${stack.route('a', 'mode: "0660"')}]`), true)
    assert.equal(await sidecar.reload(`routes: [${stack.route('b').replace('b.sock', 'a.sock')}]`), true)
    assert.equal(await identityAt(stack.at('a.sock')), before)
    assert.equal(await statusAt(stack.at('a.sock')), 200)
  })

  it('the path of a route, publishes the new one and removes the old one', async () => {
    await using stack = await unixStack()
    await using sidecar = await stack.start(`routes: [${stack.route('a')}]`)
    await sidecar.started()
    assert.equal(await sidecar.reload(`routes: [${stack.route('a').replace('a.sock', 'b.sock')}]`), true)
    assert.equal(await statusAt(stack.at('b.sock')), 200)
    await eventually(
      'the old socket to go',
      async () => !(await namesIn(stack.directory.path)).includes('a.sock'),
    )
  })

  it('two routes that exchange their paths, gives each socket the rights of its new route', async () => {
    await using stack = await unixStack()
    const route = (name: string, file: string, mode: string) =>
      stack.route(name, `mode: "${mode}"`).replace(`${name}.sock`, `${file}.sock`)
    const text = (a: string, b: string) => `routes: [${route('one', a, '0600')}, ${route('two', b, '0666')}]`
    await using sidecar = await stack.start(text('a', 'b'))
    await sidecar.started()
    await using loads = new AsyncDisposableStack()
    const [first, second] = [new Load(stack.at('a.sock'), 2), new Load(stack.at('b.sock'), 2)]
    loads.use(first)
    loads.use(second)
    await Promise.all([first.more(20), second.more(20)])
    assert.equal(await sidecar.reload(text('b', 'a')), true)
    assert.deepEqual([await modeOf(stack.at('a.sock')), await modeOf(stack.at('b.sock'))], [0o666, 0o600])
    await Promise.all([first.more(20), second.more(20)])
    await Promise.all([first.end(), second.end()])
  })

  it('the holder of a socket between a route and the operations port, changes its rights too', async () => {
    await using stack = await unixStack()
    const ops = `ops: "unix:${stack.at('a.sock')}"`
    const other = stack.route('b')
    await using sidecar = await stack.start(`routes: [${stack.route('a', 'mode: "0600"')}]`)
    await sidecar.started()
    assert.equal(await sidecar.reload(`{${ops}, routes: [${other}]}`), true)
    assert.equal(await modeOf(stack.at('a.sock')), 0o660)
    assert.equal(await statusAt(stack.at('a.sock'), '/-/healthy'), 200)
    assert.equal(await sidecar.reload(`routes: [${other}, ${stack.route('a', 'mode: "0600"')}]`), true)
    assert.equal(await modeOf(stack.at('a.sock')), 0o600)
    assert.equal(await statusAt(stack.at('a.sock')), 200)
  })
})

describe('a reload (SIGHUP) that is refused with group_denied', () => {
  it('keeps the old configuration, the rights of every socket, and the connections', async () => {
    await using stack = await unixStack(undefined, UNPRIVILEGED)
    const text = (a: string, b: string) => `routes: [${stack.route('a', a)}, ${stack.route('b', b)}]`
    await using sidecar = await stack.start(text('mode: "0666"', 'mode: "0666"'), UNPRIVILEGED)
    await sidecar.started()
    await using load = new Load(stack.at('a.sock'))
    using client = new Conversation(stack.at('a.sock'))
    await client.send(GET).hears('\r\n\r\nok')
    client.received = ''
    const accepted = await sidecar.reload(text('mode: "0600"', `mode: "0666", group: ${FOREIGN}`))
    assert.equal(accepted, false)
    assert.match(sidecar.log(), /"code":"group_denied"/)
    assert.deepEqual([await modeOf(stack.at('a.sock')), await modeOf(stack.at('b.sock'))], [0o666, 0o666])
    await client.send(GET).hears('\r\n\r\nok')
    assert.doesNotMatch(client.received, /Connection: close/)
    assert.equal(await statusAt(stack.at('b.sock')), 200)
    await load.more(20)
    await load.end()
  })

  it('has put neither a new route nor the operations port anywhere', async () => {
    await using stack = await unixStack(undefined, UNPRIVILEGED)
    const b = (group = '') => stack.route('b', `mode: "0666"${group}`)
    await using sidecar = await stack.start(
      `{${OPS_PORT}, routes: [${stack.route('a', 'mode: "0666"')}, ${b()}]}`,
      UNPRIVILEGED,
    )
    await sidecar.started()
    const ops = `ops: "unix:${stack.at('a.sock')}"`
    const accepted = await sidecar.reload(
      `{${ops}, routes: [${stack.route('c')}, ${b(`, group: ${FOREIGN}`)}]}`,
    )
    assert.equal(accepted, false)
    assert.equal(await modeOf(stack.at('a.sock')), 0o666)
    assert.equal(await statusAt(stack.at('a.sock')), 200)
    assert.equal(await statusAt(stack.at('a.sock'), '/-/healthy'), 403)
    assert.ok(!(await namesIn(stack.directory.path)).includes('c.sock'))
  })
})

it('a reload (SIGHUP) whose last socket cannot be published leaves every other port as it was', async () => {
  await using stack = await unixStack()
  const a = stack.route('a', 'mode: "0666"')
  await using sidecar = await stack.start(`routes: [${a}]`)
  await sidecar.started()
  await stack.write('c.sock', 'a file that is not a socket')
  const ops = `ops: "unix:${stack.at('a.sock')}"`
  const routes = [stack.route('b'), stack.route('c', 'onConflict: takeover')]
  assert.equal(await sidecar.reload(`{${ops}, routes: [${routes}]}`), false)
  assert.match(sidecar.log(), /"code":"path_occupied"/)
  assert.equal(await statusAt(stack.at('a.sock')), 200)
  assert.equal(await statusAt(stack.at('a.sock'), '/-/healthy'), 403)
  assert.equal(await modeOf(stack.at('a.sock')), 0o666)
  assert.ok(!(await namesIn(stack.directory.path)).includes('b.sock'))
})

it('a sidecar that gets SIGTERM during a reload ends when that has, and leaves no socket', async () => {
  await using stack = await unixStack()
  const second = stack.route('b', 'onConflict: takeover')
  await using sidecar = await stack.start(`routes: [${stack.route('a')}]`)
  await sidecar.started()
  const holder = await lockHolder(stack.at('b.sock.lock'))
  await stack.write('1.yaml', `routes: [${stack.route('a')}, ${second}]`)
  sidecar.child.kill('SIGHUP')
  await sidecar.logs('b.sock.lock')
  sidecar.child.kill('SIGTERM')
  await sidecar.logs('"msg":"draining"')
  await holder[Symbol.asyncDispose]()
  assert.equal(await sidecar.ended(), 0)
  assert.match(sidecar.log(), /the old one stays active: the sidecar is shutting down/)
  assert.deepEqual(
    (await namesIn(stack.directory.path)).filter((name) => name.endsWith('.sock')),
    [],
  )
})
