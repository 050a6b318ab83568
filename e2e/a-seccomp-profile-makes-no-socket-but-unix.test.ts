// With deploy/seccomp/unix-only.json a container on a network makes no socket but AF_UNIX, by whatever call, and takes
// none of another process. What it does not stop: abstract names, and a TCP socket that another process passes to it.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { dialFrom } from './support/connections.ts'
import { modesOf } from './support/files.ts'
import { socketVolume, startProbe } from './support/own-container.ts'
import { passListener, TAKERS_RESPONSE } from './support/passed-descriptor.ts'
import { REPOSITORY } from './support/run.ts'
import { ownStack } from './support/stack.ts'
import { callsFrom, FOREIGN, runMachineCode } from './support/system-calls.ts'

const UNIX = 1
const INET = 2
const STREAM = 1
const DATAGRAM = 2
const RAW = 3
const SEQPACKET = 5
/** Above each family that Linux 6.18 has. */
const FAMILIES = 64
const TRACEME = 0

/** On a network, which is where the profile has something to do. */
const BOX = { user: '10001:10001', network: 'bridge' }

test('a seccomp profile makes no socket but Unix', async (t) => {
  const seccomp = await readFile(join(REPOSITORY, 'deploy/seccomp/unix-only.json'), 'utf8')
  await using volume = await socketVolume()
  const mounts = [`${volume.name}:/run/app`]
  await using shut = await startProbe(t, { ...BOX, mounts, seccomp })
  await using open = await startProbe(t, { ...BOX, mounts, seccomp: 'unconfined' })

  await t.test('it makes Unix sockets of each type, and pairs of them', async () => {
    const outcomes = await callsFrom(
      shut,
      ['socket', UNIX, STREAM],
      ['socket', UNIX, DATAGRAM],
      ['socket', UNIX, SEQPACKET],
      ['socketpair', UNIX, STREAM, 0, 'buffer'],
    )
    assert.deepEqual(outcomes, ['made', 'made', 'made', 'made'])
  })

  for (const call of ['socket', 'socketpair'] as const)
    for (const type of [STREAM, DATAGRAM, RAW])
      await t.test(`${call}(2) knows no other family, with type ${type}`, async () => {
        const families = [...Array(FAMILIES).keys()].filter((family) => family !== UNIX)
        const outcomes = await callsFrom(
          shut,
          ...families.map((family) => [call, family, type, 0, 'buffer'] as const),
        )
        assert.deepEqual(
          families.filter((_, place) => outcomes[place] !== 'EAFNOSUPPORT'),
          [],
        )
      })

  await t.test('the check is not blind: without the profile TCP and netlink sockets are made', async () => {
    const outcomes = await callsFrom(open, ['socket', INET, STREAM], ['socket', 16, RAW])
    assert.deepEqual(outcomes, ['made', 'made'])
  })

  for (const call of ['io_uring_setup', 'io_uring_enter', 'io_uring_register'] as const)
    await t.test(`${call}(2), which could make sockets of its own, is denied`, async () => {
      assert.deepEqual(await callsFrom(shut, [call, 1, 'buffer'], [call, 0, 0]), ['EPERM', 'EPERM'])
    })

  const OF_OTHERS = [
    ['pidfd_getfd', 99, 0],
    ['ptrace', TRACEME],
    ['process_vm_readv', 'self', 'buffer', 0, 'buffer', 0],
    ['process_vm_writev', 'self', 'buffer', 0, 'buffer', 0],
    ['process_madvise', 99, 'buffer', 0, 0, 0],
    ['kcmp', 'self', 'self', 0, 0, 0],
  ] as const

  for (const call of OF_OTHERS)
    await t.test(`${call[0]}(2), with which it could use another process, is denied`, async () => {
      assert.deepEqual(await callsFrom(shut, call), ['EPERM'])
      const [unconfined] = await callsFrom(open, call)
      assert.notEqual(unconfined, 'EPERM', 'the kernel itself would say something else')
    })

  if (process.arch === 'x64')
    for (const [abi, code] of Object.entries(FOREIGN))
      await t.test(`a program that makes a socket by the calls of ${abi} is ended`, async () => {
        assert.deepEqual(await runMachineCode(shut, code), { signal: 'SIGSYS', code: null })
        const { signal } = await runMachineCode(open, code)
        assert.notEqual(signal, 'SIGSYS', 'without the profile the kernel decides')
      })

  await t.test('a program of ours says that it may not use the address family', async () => {
    assert.equal(await dialFrom(shut, 'tcp://127.0.0.1:9'), 'host_unreachable (EAFNOSUPPORT)')
    assert.equal(await dialFrom(open, 'tcp://127.0.0.1:9'), 'connection_refused (ECONNREFUSED)')
  })

  await t.test('what it does not stop: an abstract name, without any permission', async () => {
    const connected = await shut.inside(async () => {
      const { once } = await import('node:events')
      const { connect, createServer } = await import('node:net')
      const server = createServer().listen('\0uds-e2e-abstract')
      await once(server, 'listening')
      await once(connect('\0uds-e2e-abstract'), 'connect')
      process.stdout.write('true')
      process.exit()
    })
    assert.equal(connected, true)
  })

  await t.test('what it does not stop: a TCP socket that another process passes to it', async () => {
    const path = '/run/app/pass.sock'
    const given = passListener(open, 'give', path)
    await eventuallyPasses(async () => assert.match((await modesOf(open, [path])).join(), /^socket/))
    const [response] = await Promise.all([given, passListener(shut, 'take', path)])
    assert.equal(response, TAKERS_RESPONSE)
  })
})

test('compose.yaml with deploy/seccomp/compose.yaml laid over it', async (t) => {
  const stack = await ownStack(t, { overlays: ['../../deploy/seccomp/compose'] })

  for (const name of ['app', 'redis'])
    await t.test(`${name} has the profile, and no new privileges`, async () => {
      const { HostConfig } = await stack.service(name).inspect()
      const [noNewPrivileges, profile = ''] = HostConfig.SecurityOpt ?? []
      assert.equal(noNewPrivileges, 'no-new-privileges:true')
      assert.match(profile, /^seccomp=\{.*"SCMP_ARCH_AARCH64"/)
    })

  await t.test('everything works as without it', async () => {
    const { exitCode, stdout, stderr } = await stack.service('client').exec('client', 'exercise')
    assert.equal(exitCode, 0, stdout + stderr)
  })
})
