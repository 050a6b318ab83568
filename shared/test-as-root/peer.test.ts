import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Peer } from '../src/kernel/peer.ts'
import { tempDirectory } from '../src/testing/files.ts'
import { Child, WITHOUT_FFI } from '../src/testing/processes.ts'
import { asUser, GROUP, OWNER, requireRoot, STRANGER } from '../src/testing/users.ts'

requireRoot()

/** A root server of its own that tells who connects. */
async function peerServer(options: ConstructorParameters<typeof Child>[2] = {}) {
  const directory = await tempDirectory()
  const server = new Child('serve-peers', [directory.at('s')], options)
  assert.equal(await server.next(), 'listening')
  return {
    path: directory.at('s'),
    seen: async () => (await server.next<{ peer: Peer | 'unknown' }>()).peer,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Dials as that user. @returns the pid that it had */
async function dialAs(path: string, uid: number, groups: readonly number[] = []): Promise<number> {
  await using child = new Child('dial', [`unix:${path}`], asUser(uid, groups))
  assert.equal(await child.next(), 'connected')
  return child.pid
}

describe('the peer of a Unix socket', () => {
  it('is the user who connected, one of several on the same socket', async () => {
    await using server = await peerServer()
    for (const uid of [OWNER, STRANGER]) {
      const pid = await dialAs(server.path, uid, [GROUP])
      assert.deepEqual(await server.seen(), { pid, uid, gid: uid, groups: [GROUP] })
    }
  })

  it('has no supplementary groups where the process has none', async () => {
    await using server = await peerServer()
    const pid = await dialAs(server.path, STRANGER)
    assert.deepEqual(await server.seen(), { pid, uid: STRANGER, gid: STRANGER, groups: [] })
  })

  it('has all supplementary groups, however many', async () => {
    await using server = await peerServer()
    const groups = Array.from({ length: 1_000 }, (_, n) => 20_000 + n)
    await dialAs(server.path, STRANGER, groups)
    const peer = await server.seen()
    assert.deepEqual(peer === 'unknown' ? [] : peer.groups, groups)
  })

  it('stays who connected, when the descriptor is handed to another user', async () => {
    await using server = await peerServer()
    const script = `
      socket(S, AF_UNIX, SOCK_STREAM, 0) or die $!;
      $( = $) = "${STRANGER} ${STRANGER}"; $> = ${STRANGER};
      connect(S, pack_sockaddr_un(shift)) or die $!;
      $> = 0; $( = $) = "${OWNER} ${OWNER}"; $< = $> = ${OWNER};
      $^F = 255; exec @ARGV;`
    const wrapper = ['perl', '-MSocket', '-e', script, server.path]
    await using holder = new Child('dial', [`unix:${server.path}`], { wrapper })
    assert.equal(await holder.next(), 'connected')
    const [first, second] = [await server.seen(), await server.seen()]
    assert.deepEqual(
      [first, second].map((peer) => (peer === 'unknown' ? peer : peer.uid)),
      [STRANGER, OWNER],
    )
  })

  it('whose user our user namespace does not map, is not known', async () => {
    await using server = await peerServer({ wrapper: ['unshare', '--user', '--map-root-user'] })
    await dialAs(server.path, STRANGER)
    assert.equal(await server.seen(), 'unknown')
    await dialAs(server.path, 0)
    assert.notEqual(await server.seen(), 'unknown')
  })

  it('who has the overflow id itself, is not known, for that id stands for anybody', async () => {
    await using server = await peerServer()
    await dialAs(server.path, 65_534)
    assert.equal(await server.seen(), 'unknown')
  })

  it('in another PID namespace, has no pid', async () => {
    await using server = await peerServer({ wrapper: ['unshare', '--pid', '--fork', '--kill-child'] })
    await dialAs(server.path, STRANGER)
    const peer = await server.seen()
    assert.deepEqual(peer, { uid: STRANGER, gid: STRANGER, groups: [] })
  })

  it('without node:ffi, is not known', async () => {
    await using server = await peerServer({ nodeArgs: WITHOUT_FFI })
    await dialAs(server.path, STRANGER)
    assert.equal(await server.seen(), 'unknown')
  })
})
