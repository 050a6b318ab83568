import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { request } from '../http/request.ts'
import { tempDirectory } from '../testing/files.ts'
import { dialAs, greet, readAll, rejection } from '../testing/listeners.ts'
import {
  datagramServer,
  fullTcpServer,
  startFull,
  startListening,
  startPaused,
} from '../testing/server-processes.ts'
import { giveTo, UNPRIVILEGED } from '../testing/users.ts'
import { eventually } from '../testing/waiting.ts'
import { dial } from './dial.ts'
import { dialFailure } from './dial-failure.ts'

describe('dialling a path', () => {
  it('where nothing is, fails with socket_missing', async () => {
    await using directory = await tempDirectory()
    await assertCode({ kind: 'unix', path: directory.at('s') }, 'socket_missing', 'ENOENT')
  })

  it('below a file that is not a directory, fails with socket_missing', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('f'), '')
    await assertCode({ kind: 'unix', path: directory.at('f/s') }, 'socket_missing', 'ENOTDIR')
  })

  it('that a crashed server left, fails with socket_stale', async () => {
    await using directory = await tempDirectory()
    await (await startListening({ endpoint: `unix:${directory.at('s')}` })).crash()
    await assertCode({ kind: 'unix', path: directory.at('s') }, 'socket_stale', 'ECONNREFUSED')
  })

  for (const [kind, put] of Object.entries({
    'regular file': (path: string) => writeFile(path, ''),
    directory: (path: string) => mkdir(path),
    fifo: async (path: string) => execFileSync('mkfifo', [path]),
    device: (path: string) => symlink('/dev/null', path),
  })) {
    it(`of a ${kind}, fails with not_a_socket and names its type`, async () => {
      await using directory = await tempDirectory()
      await put(directory.at('s'))
      const failure = await assertCode(
        { kind: 'unix', path: directory.at('s') },
        'not_a_socket',
        'ECONNREFUSED',
      )
      assert.match(failure.message, new RegExp(`it is a ${kind}`))
    })
  }

  it('whose server is killed with the connection in its backlog, fails with upstream_reset', async () => {
    await using directory = await tempDirectory()
    await using server = await startPaused(directory.at('s'))
    await eventually('the server is stopped', async () =>
      /^State:\tT/m.test(await readFile(`/proc/${server.pid}/status`, 'utf8')),
    )
    const dialled = dial({ kind: 'unix', path: directory.at('s') })
    // The kernel has connected already. Node reads the reset only after the last thread of the server is dead.
    const isDead = `grep -q '^State:.Z' /proc/${server.pid}/status && [ "$(ls /proc/${server.pid}/task | wc -l)" = 1 ]`
    execFileSync('sh', ['-c', `kill -KILL ${server.pid}; until ${isDead}; do :; done`])
    const failure = await rejection(dialled)
    assert.equal(failure.code, 'upstream_reset')
    assert.equal(failure.errno, 'ECONNRESET')
  })

  it('where a datagram socket is, fails with not_a_socket', async () => {
    await using directory = await tempDirectory()
    await using _server = await datagramServer(directory.at('s'))
    await assertCode({ kind: 'unix', path: directory.at('s') }, 'not_a_socket', 'EPROTOTYPE')
  })

  it('that is a loop of links, fails with not_a_socket', async () => {
    await using directory = await tempDirectory()
    await symlink('s', directory.at('s'))
    await assertCode({ kind: 'unix', path: directory.at('s') }, 'not_a_socket', 'ELOOP')
  })

  it('below a loop of links, fails with not_a_socket', async () => {
    await using directory = await tempDirectory()
    await symlink('d', directory.at('d'))
    await assertCode({ kind: 'unix', path: directory.at('d/s') }, 'not_a_socket', 'ELOOP')
  })

  it('that is a link to a name that is too long, fails with not_a_socket', async () => {
    await using directory = await tempDirectory()
    await symlink('n'.repeat(256), directory.at('s'))
    await assertCode({ kind: 'unix', path: directory.at('s') }, 'not_a_socket', 'ENAMETOOLONG')
  })

  it('that is a link to nothing, fails with socket_missing', async () => {
    await using directory = await tempDirectory()
    await symlink('nothing', directory.at('s'))
    await assertCode({ kind: 'unix', path: directory.at('s') }, 'socket_missing', 'ENOENT')
  })

  it('whose backlog is full, fails at once with backlog_full', async () => {
    await using directory = await tempDirectory()
    await using server = await startFull(directory.at('s'))
    using _waiting = server.waiting
    await assertCode({ kind: 'unix', path: directory.at('s') }, 'backlog_full', 'EAGAIN')
  })

  it('whose mode denies us, fails with socket_denied', async () => {
    await using directory = await tempDirectory()
    await using _listener = await greet(directory.at('s'), '')
    await chmod(directory.at('s'), 0o400)
    await giveTo(UNPRIVILEGED, directory.at('s'))
    assert.deepEqual(await dialUnprivileged(directory.at('s')), { code: 'socket_denied', errno: 'EACCES' })
  })

  it('in a directory whose mode denies us, fails with socket_denied', async () => {
    await using directory = await tempDirectory()
    await using _listener = await greet(directory.at('s'), '', { mode: 0o666 })
    await giveTo(UNPRIVILEGED, directory.path)
    await chmod(directory.path, 0o600)
    assert.deepEqual(await dialUnprivileged(directory.at('s')), { code: 'socket_denied', errno: 'EACCES' })
    await chmod(directory.path, 0o755)
  })

  it('of a paused server, connects, because the kernel queues connections', async () => {
    await using directory = await tempDirectory()
    await using _server = await startPaused(directory.at('s'))
    const socket = await dial({ kind: 'unix', path: directory.at('s') })
    socket.destroy()
  })

  it('through a symlink, connects', async () => {
    await using directory = await tempDirectory()
    await using _listener = await greet(directory.at('s'), 'ok')
    await symlink(directory.at('s'), directory.at('link'))
    assert.equal(await readAll({ kind: 'unix', path: directory.at('link') }), 'ok')
  })
})

describe('dialling', () => {
  it('an abstract name that nobody has, fails with socket_missing and names the network namespace', async () => {
    const failure = await assertCode({ kind: 'abstract', name: 'nobody' }, 'socket_missing', 'ECONNREFUSED')
    assert.match(failure.hint, /network namespace/)
  })

  it('a TCP port where nobody listens, fails with connection_refused', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    await assertCode({ kind: 'tcp', host: '127.0.0.1', port }, 'connection_refused', 'ECONNREFUSED')
  })

  it('an address to which there is no route, fails with host_unreachable', async () => {
    const multicast = { kind: 'tcp', host: '224.0.0.1', port: 9 } as const
    await assertCode(multicast, 'host_unreachable', 'ENETUNREACH')
  })

  it('an address family that this process may not use, fails with host_unreachable and names what may deny it', async () => {
    const cause = Object.assign(new Error('connect EAFNOSUPPORT'), { code: 'EAFNOSUPPORT' })
    const failure = await dialFailure({ kind: 'tcp', host: '127.0.0.1', port: 9 }, cause)
    assert.deepEqual([failure.code, failure.errno], ['host_unreachable', 'EAFNOSUPPORT'])
    assert.match(failure.message, /cannot connect to tcp:\/\/127\.0\.0\.1:9: .*address family/)
    assert.match(failure.hint, /seccomp.*RestrictAddressFamilies/)
  })

  it('a host that does not exist, fails with host_unknown', async () => {
    const failure = await rejection(
      dial({ kind: 'tcp', host: 'no-such-host.invalid', port: 1 }, { timeoutMs: 10_000 }),
    )
    assert.equal(failure.code, 'host_unknown')
  })
})

describe('dialling with a limit', () => {
  it('of time, to a port whose backlog is full, fails with upstream_timeout', async () => {
    await using server = await fullTcpServer()
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: Number(server.said) } as const
    await using kept = new AsyncDisposableStack()
    const fill = async () => {
      for (let n = 0; n < 10; n++) {
        const socket = await dial(endpoint, { timeoutMs: 100 })
        kept.defer(() => void socket.destroy())
      }
    }
    const failure = await rejection(fill())
    assert.deepEqual([failure.code, failure.errno], ['upstream_timeout', 'ETIMEDOUT'])
  })

  it('that passes while this process does not run, connects all the same', async () => {
    await using directory = await tempDirectory()
    await using listener = await greet(directory.at('s'), 'hello')
    const dialling = dial(listener.endpoint, { timeoutMs: 50 })
    for (const end = performance.now() + 100; performance.now() < end; );
    assert.equal(await text(await dialling), 'hello')
  })

  it('that is aborted, fails with the reason', async () => {
    await using directory = await tempDirectory()
    await using listener = await greet(directory.at('s'), 'ok')
    const reason = new Error('enough')
    await assert.rejects(dial(listener.endpoint, { signal: AbortSignal.abort(reason) }), reason)
    const stop = new AbortController()
    const dialling = dial(listener.endpoint, { signal: stop.signal })
    stop.abort(reason)
    await assert.rejects(dialling, reason)
  })
})

describe('a request to a paused server', () => {
  it('connects, waits, and fails with upstream_timeout', async () => {
    await using directory = await tempDirectory()
    await using _server = await startPaused(directory.at('s'))
    const failure = await rejection(request({ kind: 'unix', path: directory.at('s') }, { timeoutMs: 50 }))
    assert.deepEqual([failure.code, failure.errno, failure.exitCode], ['upstream_timeout', 'ETIMEDOUT', 69])
  })
})

async function assertCode(endpoint: Endpoint, code: string, errno: string) {
  const failure = await rejection(dial(endpoint))
  assert.deepEqual([failure.code, failure.errno], [code, errno])
  assert.notEqual(failure.hint, '')
  assert.ok(failure.cause instanceof Error)
  return failure
}

function dialUnprivileged(path: string): Promise<unknown> {
  return dialAs(UNPRIVILEGED, { kind: 'unix', path })
}
