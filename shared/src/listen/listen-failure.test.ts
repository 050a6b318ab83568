import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tempDirectory } from '../testing/files.ts'
import { listenFailure } from './listen-failure.ts'

/** The errno, the code, and a part of the hint. */
const EXPLAINED: readonly (readonly [errno: string, code: string, hint: RegExp])[] = [
  ['EBUSY', 'io_error', /mount the directory of the socket, never the single socket file/],
  ['EXDEV', 'io_error', /mount the directory of the socket, never the single socket file/],
  ['EROFS', 'directory_denied', /take :ro/],
  ['EDQUOT', 'io_error', /raise it, or remove files/],
  ['EMFILE', 'io_error', /ulimit -n/],
  ['ENFILE', 'io_error', /fs\.file-max/],
  ['EIO', 'io_error', /dmesg/],
  ['ENOTSUP', 'io_error', /see errno, and bind\(2\)/],
]

describe('a failed start on a path', () => {
  for (const [errno, code, hint] of EXPLAINED)
    it(`with ${errno}, has its code and hint`, async () => {
      const failure = await listenFailure({ kind: 'unix', path: '/nowhere/s' }, systemError(errno))
      assert.deepEqual([failure.code, failure.errno], [code, errno])
      assert.match(failure.hint, hint)
    })

  it('with ENOSPC on a volume with free inodes, names only its size', async () => {
    await using directory = await tempDirectory()
    const failure = await listenFailure({ kind: 'unix', path: directory.at('s') }, systemError('ENOSPC'))
    assert.equal(failure.code, 'io_error')
    assert.match(failure.hint, /^raise size= in the volume's driver_opts/)
  })

  it('with ENOSPC on a volume that no longer exists, still has a hint', async () => {
    const failure = await listenFailure({ kind: 'unix', path: '/nowhere/s' }, systemError('ENOSPC'))
    assert.match(failure.hint, /^raise size= in/)
  })
})

describe('a failed start on a port', () => {
  it('with EAFNOSUPPORT, has its code and names what may deny the address family', async () => {
    const failure = await listenFailure(
      { kind: 'tcp', host: '0.0.0.0', port: 9 },
      systemError('EAFNOSUPPORT'),
    )
    assert.deepEqual([failure.code, failure.errno], ['address_denied', 'EAFNOSUPPORT'])
    assert.match(failure.message, /cannot listen on tcp:\/\/0\.0\.0\.0:9: .*address family/)
    assert.match(failure.hint, /seccomp.*RestrictAddressFamilies/)
  })
})

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
