import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tempDirectory } from '../testing/files.ts'
import { notifySocket } from '../testing/notify-socket.ts'
import { Child, WITHOUT_FFI } from '../testing/processes.ts'
import { notify, type ServiceState } from './notify.ts'

/** What `notify` has to complain about. */
async function problemsOf(to: string | undefined, state: ServiceState = 'ready'): Promise<string[]> {
  const problems: string[] = []
  const env = to === undefined ? {} : { NOTIFY_SOCKET: to }
  await notify(state, { env, onProblem: (problem) => problems.push(problem) })
  return problems
}

describe('a service manager', () => {
  for (const kind of ['a path', 'an abstract name'] as const)
    it(`that listens on ${kind}, is told each state, a reload with its time`, async () => {
      await using directory = await tempDirectory()
      const address = kind === 'a path' ? directory.at('notify') : `@uds-notify-${process.pid}`
      await using manager = await notifySocket(address)
      const before = process.hrtime.bigint() / 1_000n
      for (const state of ['ready', 'reloading', 'stopping'] as const)
        assert.deepEqual(await problemsOf(address, state), [])
      const after = process.hrtime.bigint() / 1_000n
      assert.equal(await manager.next(), 'READY=1')
      const [, time = ''] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(await manager.next()) ?? []
      assert.ok(before <= BigInt(time) && BigInt(time) <= after)
      assert.equal(await manager.next(), 'STOPPING=1')
    })

  it('that is not there, is told nothing', async () => {
    assert.deepEqual([await problemsOf(undefined), await problemsOf('')], [[], []])
  })
})

describe('a service that cannot tell its manager', () => {
  it('because nothing is at the path, says so and goes on', async () => {
    await using directory = await tempDirectory()
    assert.deepEqual(await problemsOf(directory.at('none')), [
      `the service manager was not told "ready": NOTIFY_SOCKET ${directory.at('none')}: ENOENT: no such file or directory, sendto`,
    ])
  })

  for (const [what, to] of [
    ['the variable is no path and no name', 'vsock:2:1234'],
    ['its name is empty', '@'],
    ['its path is too long', `/${'x'.repeat(107)}`],
  ] as const)
    it(`because ${what}, says so and goes on`, async () => {
      const [problem = '', ...more] = await problemsOf(to)
      assert.match(
        problem,
        /^the service manager was not told "ready": NOTIFY_SOCKET (is "|has more than 107 bytes)/,
      )
      assert.deepEqual(more, [])
    })

  it('because its queue stays full, gives up after a while, says so and goes on', async () => {
    await using directory = await tempDirectory()
    await using _manager = await notifySocket(directory.at('notify'), { receives: false })
    let problems: string[] = []
    while (problems.length === 0) problems = await problemsOf(directory.at('notify'))
    assert.match(problems.join(), /EAGAIN/)
  })

  it('because there is no node:ffi, says so each time and goes on', async () => {
    await using directory = await tempDirectory()
    const env = { NOTIFY_SOCKET: directory.at('notify') }
    await using child = new Child('notify', [], { env, nodeArgs: WITHOUT_FFI })
    const problems = await child.next<string[]>()
    assert.equal(problems.length, 4)
    for (const problem of problems)
      assert.match(problem, /has no node:ffi.*; use Node 26\.10 or later, .*or use Type=exec$/)
    assert.equal(await child.ended(), 0)
  })
})
