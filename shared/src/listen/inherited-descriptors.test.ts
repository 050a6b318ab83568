import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { formatEndpoint } from '../endpoint/endpoint.ts'
import { identityAt, namesIn, tempDirectory } from '../testing/files.ts'
import { readAll, rejection } from '../testing/listeners.ts'
import { Child, socketUnit } from '../testing/processes.ts'
import { inheritedDescriptors } from './inherited-descriptors.ts'
import { listen } from './listen.ts'

describe('a listening descriptor that a parent passes on', () => {
  it('is used as it is, without a lock, and its file is never unlinked', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    await using child = new Child('serve-inherited', [formatEndpoint(endpoint)], {
      wrapper: socketUnit(endpoint.path),
    })
    assert.deepEqual(await child.next(), { descriptors: { channel: 3, api: 4 }, identity: true })
    const before = await identityAt(endpoint.path)
    assert.equal(await readAll(endpoint), 'inherited')
    child.send('close')
    assert.equal(await child.ended(), 0)
    assert.equal(await identityAt(endpoint.path), before)
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

  it('because it listens on a file and TCP was named, is refused', async () => {
    await using directory = await tempDirectory()
    await using child = new Child('serve-inherited', ['tcp://127.0.0.1:0'], {
      wrapper: socketUnit(directory.at('s')),
    })
    assert.equal(await child.ended(), 1)
    assert.match(child.stderr, /code: 'bad_option'/)
  })
})
