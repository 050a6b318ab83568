import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { describe, it } from 'node:test'
import { tempDirectory } from '../testing/files.ts'
import { socketFacts } from './descriptor.ts'
import { AF_UNIX, type Libc, libc, SOCK_CLOEXEC, SOCK_DGRAM } from './libc.ts'

function available(): Libc {
  const c = libc()
  assert.ok(c.available)
  return c
}

/** What the kernel says of the listening socket of a server. */
async function factsOf(server: Server) {
  await once(server, 'listening')
  const handle: { fd: number } = Reflect.get(server, '_handle')
  try {
    return socketFacts(available(), handle.fd)
  } finally {
    server.close()
  }
}

describe('what the kernel says of a listening socket', () => {
  it('with a file, is its path', async () => {
    await using directory = await tempDirectory()
    const path = directory.at('é s')
    assert.deepEqual(await factsOf(createServer().listen(path)), {
      domain: 'unix',
      type: 'stream',
      listening: true,
      address: { kind: 'unix', path },
    })
  })

  it('with a path as long as may be, is all of it', async () => {
    await using directory = await tempDirectory()
    const path = directory.at('s'.repeat(107 - directory.at('').length))
    const { address } = await factsOf(createServer().listen(path))
    assert.deepEqual(address, { kind: 'unix', path })
  })

  it('with an abstract name, is exactly that name', async () => {
    const name = `uds-facts-${process.pid}`
    const { domain, address } = await factsOf(createServer().listen(`\0${name}`))
    assert.deepEqual([domain, address], ['unix', { kind: 'abstract', name }])
  })

  for (const [domain, host] of [
    ['ipv4', '127.0.0.1'],
    ['ipv6', '::1'],
  ] as const)
    it(`on ${domain}, is its address and port`, async () => {
      const server = createServer().listen(0, host)
      await once(server, 'listening')
      const at = server.address()
      assert.ok(typeof at === 'object' && at !== null)
      const handle: { fd: number } = Reflect.get(server, '_handle')
      assert.deepEqual(socketFacts(available(), handle.fd), {
        domain,
        type: 'stream',
        listening: true,
        address: { kind: 'tcp', host, port: at.port },
      })
      server.close()
    })
})

describe('what the kernel says', () => {
  it('of a datagram socket without a name, is that it does not listen and has no address', () => {
    const c = available()
    const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    assert.deepEqual(socketFacts(c, fd), {
      domain: 'unix',
      type: 'datagram',
      listening: false,
      address: undefined,
    })
    c.close(fd)
  })

  it('of a file, is that it is no socket', () => {
    const fd = openSync('/dev/null', 'r')
    assert.throws(() => socketFacts(available(), fd), { code: 'ENOTSOCK' })
    closeSync(fd)
  })

  it('of a descriptor that is not open, is that', () => {
    assert.throws(() => socketFacts(available(), 9_999), { code: 'EBADF' })
  })
})
