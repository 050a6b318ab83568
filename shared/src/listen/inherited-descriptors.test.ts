import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { formatEndpoint } from '../endpoint/endpoint.ts'
import { identityAt, namesIn, tempDirectory } from '../testing/files.ts'
import { readAll, rejection } from '../testing/listeners.ts'
import { Child, socketUnit, WITHOUT_FFI, WRONG_SOCKETS } from '../testing/processes.ts'
import { checkDescriptor, inheritedDescriptors } from './inherited-descriptors.ts'
import { listen } from './listen.ts'

describe('a listening descriptor that a parent passes on', () => {
  it('is used as it is, without a lock, and its file is never unlinked', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    await using child = new Child('serve-inherited', [formatEndpoint(endpoint)], {
      wrapper: socketUnit(endpoint.path),
    })
    assert.deepEqual(await child.next(), { descriptors: { channel: 3, api: 4 }, identity: true })
    const bound = await identityAt(endpoint.path)
    assert.equal(await readAll(endpoint), 'inherited')
    child.send('close')
    assert.equal(await child.ended(), 0)
    assert.equal(await identityAt(endpoint.path), bound)
    assert.deepEqual(await namesIn(directory.path), ['s'])
  })
})

describe('the descriptors that systemd passes', () => {
  const pid = 4711
  const env = { LISTEN_PID: '4711', LISTEN_FDS: '2', LISTEN_FDNAMES: 'api:metrics' }

  it('for this process, have their names', () => {
    assert.deepEqual(
      [...inheritedDescriptors(env, pid)],
      [
        ['api', 3],
        ['metrics', 4],
      ],
    )
  })

  it('without names, are named by their numbers', () => {
    assert.deepEqual(
      [...inheritedDescriptors({ LISTEN_PID: '4711', LISTEN_FDS: '2' }, pid)],
      [
        ['3', 3],
        ['4', 4],
      ],
    )
  })

  it('for another process, are not ours', () => {
    assert.equal(inheritedDescriptors(env, 4712).size, 0)
  })

  it('where there are none, are none', () => {
    assert.equal(inheritedDescriptors({}, pid).size, 0)
  })

  for (const [name, value] of Object.entries({
    LISTEN_PID: 'self',
    LISTEN_FDS: '-1',
    LISTEN_FDNAMES: 'api',
  })) {
    it(`with ${name} ${value}, are refused by that name`, () => {
      assert.throws(() => inheritedDescriptors({ ...env, [name]: value }, pid), {
        code: 'bad_config',
        message: new RegExp(name),
      })
    })
  }

  it('with one name for two, are refused', () => {
    const twice = { ...env, LISTEN_FDNAMES: 'api:api' }
    assert.throws(() => inheritedDescriptors(twice, pid), { code: 'bad_config' })
  })
})

describe('a descriptor that cannot be listened on', () => {
  it('because it is not open, is refused', async () => {
    const failure = await rejection(listen(createServer(), { kind: 'unix', path: '/run/s' }, { fd: 9_999 }))
    assert.equal(failure.code, 'bad_option')
  })

  it('because it is a file, is refused', async () => {
    const fd = openSync('/dev/null', 'r')
    const failure = await rejection(listen(createServer(), { kind: 'unix', path: '/run/s' }, { fd }))
    assert.equal(failure.code, 'bad_option')
    closeSync(fd)
  })

  for (const [name, nodeArgs] of Object.entries({ 'node:ffi': [], 'no node:ffi': WITHOUT_FFI }))
    it(`because it listens on a file and TCP was named, is refused, with ${name}`, async () => {
      await using directory = await tempDirectory()
      await using child = new Child('serve-inherited', ['tcp://127.0.0.1:0'], {
        wrapper: socketUnit(directory.at('s')),
        nodeArgs,
      })
      assert.equal(await child.ended(), 1)
      assert.match(child.stderr, /code: 'bad_option'/)
    })

  it('because it listens on another file, is refused and names that', async () => {
    await using directory = await tempDirectory()
    const wrapper = socketUnit(directory.at('s'))
    await using child = new Child('serve-inherited', [`unix:${directory.at('other')}`], { wrapper })
    const what = `descriptor 4 is not the socket of unix:${directory.at('other')}: it listens on unix:${directory.at('s')}`
    await assert.rejects(child.next(), (error: Error) => error.message.includes(what))
  })

  for (const [what, make] of Object.entries(WRONG_SOCKETS))
    it(`because it ${what}, is refused`, async () => {
      await using directory = await tempDirectory()
      const wrapper = socketUnit(directory.at('s'), make)
      await using child = new Child('serve-inherited', [`unix:${directory.at('s')}`], { wrapper })
      await assert.rejects(child.next(), ({ message }: Error) => {
        return message.includes(`it ${what}`) && message.includes("code: 'bad_option'")
      })
    })
})

describe('a listening descriptor on TCP', () => {
  const server = createServer()
  before(async () => void (await once(server.listen(0, '127.0.0.1'), 'listening')))
  after(() => void server.close())

  const check = (host: string, port?: number) => {
    const at = server.address()
    assert.ok(typeof at === 'object' && at !== null)
    const handle: { fd: number } = Reflect.get(server, '_handle')
    return checkDescriptor(handle.fd, { kind: 'tcp', host, port: port ?? at.port })
  }

  it('is taken for its address and port, for a name of it, and for any port', async () => {
    await check('127.0.0.1')
    await check('localhost')
    await check('127.0.0.1', 0)
  })

  it('is refused for another address, for another port, and for all addresses', async () => {
    assert.match((await rejection(check('127.0.0.2'))).message, /it listens on tcp:\/\/127\.0\.0\.1:/)
    assert.equal((await rejection(check('127.0.0.1', 1))).code, 'bad_option')
    assert.equal((await rejection(check('0.0.0.0'))).code, 'bad_option')
    assert.equal((await rejection(check('::1'))).code, 'bad_option')
  })
})
