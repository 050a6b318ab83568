import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { notifySocket } from '@uds-sidecar/shared/testing/notify-socket'
import { WITHOUT_FFI } from '@uds-sidecar/shared/testing/processes'
import { lockHolder } from '@uds-sidecar/shared/testing/server-processes'
import { unixStack } from '../testing/unix-routes.ts'

/** What systemd.service(5) asks of `Type=notify-reload`: the time of CLOCK_MONOTONIC at which the reload began. */
function timeOf(message: string): bigint {
  const [, time] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(message) ?? []
  assert.ok(time !== undefined, message)
  return BigInt(time)
}

const nowUsec = () => process.hrtime.bigint() / 1_000n

describe('a sidecar under a service manager', () => {
  for (const kind of ['a path', 'an abstract name'] as const)
    it(`that listens on ${kind}, tells when it is ready, reloads and stops`, async () => {
      await using stack = await unixStack()
      const address = kind === 'a path' ? stack.at('notify') : `@uds-sidecar-notify-${process.pid}`
      await using manager = await notifySocket(address)
      const text = `routes: [${stack.route('a')}]`
      await using sidecar = await stack.start(text, { env: { NOTIFY_SOCKET: address } })
      assert.equal(await manager.next(), 'READY=1')
      assert.match(sidecar.log(), /"msg":"started"/)
      for (const [changed, accepted] of [
        [`routes: [${stack.route('b')}]`, true],
        ['routes: 5', false],
        [text, true],
      ] as const) {
        const before = nowUsec()
        assert.equal(await sidecar.reload(changed), accepted)
        const time = timeOf(await manager.next())
        assert.ok(before <= time && time <= nowUsec())
        assert.equal(await manager.next(), 'READY=1')
      }
      sidecar.child.kill('SIGTERM')
      assert.equal(await manager.next(), 'STOPPING=1')
      assert.equal(await sidecar.ended(), 0)
    })

  it('that asks for a reload during another, tells of both', async () => {
    await using stack = await unixStack()
    await using manager = await notifySocket(stack.at('notify'))
    const env = { NOTIFY_SOCKET: stack.at('notify') }
    await using sidecar = await stack.start(`routes: [${stack.route('a')}]`, { env })
    assert.equal(await manager.next(), 'READY=1')
    const holder = await lockHolder(stack.at('b.sock.lock'))
    await stack.write('1.yaml', `routes: [${stack.route('b', 'onConflict: takeover')}]`)
    sidecar.child.kill('SIGHUP')
    const first = timeOf(await manager.next())
    await sidecar.logs('b.sock.lock')
    const asked = nowUsec()
    sidecar.child.kill('SIGHUP')
    await holder[Symbol.asyncDispose]()
    assert.equal(await manager.next(), 'READY=1')
    const second = timeOf(await manager.next())
    assert.ok(first < asked && asked <= second)
    assert.equal(await manager.next(), 'READY=1')
  })

  it('that stops it during a reload, is not told READY after STOPPING', async () => {
    await using stack = await unixStack()
    await using manager = await notifySocket(stack.at('notify'))
    const env = { NOTIFY_SOCKET: stack.at('notify') }
    await using sidecar = await stack.start(`routes: [${stack.route('a')}]`, { env })
    assert.equal(await manager.next(), 'READY=1')
    const holder = await lockHolder(stack.at('b.sock.lock'))
    await stack.write('1.yaml', `routes: [${stack.route('b', 'onConflict: takeover')}]`)
    sidecar.child.kill('SIGHUP')
    timeOf(await manager.next())
    await sidecar.logs('b.sock.lock')
    sidecar.child.kill('SIGTERM')
    assert.equal(await manager.next(), 'STOPPING=1')
    await holder[Symbol.asyncDispose]()
    assert.equal(await sidecar.ended(), 0)
    await using last = await stack.start(`routes: [${stack.route('c')}]`, { env })
    await last.started()
    assert.equal(await manager.next(), 'READY=1') // of the second sidecar: the first has sent nothing more
    last.child.kill('SIGTERM')
    assert.equal(await manager.next(), 'STOPPING=1')
  })

  it('that took over all of its sockets, is told that it stops', async () => {
    await using stack = await unixStack()
    await using manager = await notifySocket(stack.at('notify'))
    const text = `routes: [${stack.route('a', 'onConflict: takeover')}]`
    const env = { NOTIFY_SOCKET: stack.at('notify') }
    await using old = await stack.start(text, { env })
    assert.equal(await manager.next(), 'READY=1')
    await using _next = await stack.start(text)
    assert.equal(await manager.next(), 'STOPPING=1')
    assert.equal(await old.ended(), 0)
  })

  it('that cannot be told, because there is no node:ffi or no socket, runs and logs why', async () => {
    await using stack = await unixStack()
    for (const [nodeArgs, why] of [
      [WITHOUT_FFI, 'has no node:ffi'],
      [[], 'ENOENT'],
    ] as const) {
      const env = { NOTIFY_SOCKET: stack.at('none') }
      await using sidecar = await stack.start(`routes: [${stack.route('a')}]`, { env, nodeArgs })
      await sidecar.logs('the service manager was not told \\"ready\\"')
      assert.ok(sidecar.log().includes(why), sidecar.log())
      sidecar.child.kill('SIGTERM')
      assert.equal(await sidecar.ended(), 0)
    }
  })
})
