import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  serve,
  serveInDirectoryWithMode,
  serveWithMode,
  temporaryDirectory,
} from '../testing/broken-server.ts'
import { AS_ROOT, assertFinding, doctor, doctorAsNobody } from '../testing/examine.ts'

const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n'

describe('doctor, of a file', () => {
  it('that does not exist names a similar one', async () => {
    await using temporary = await temporaryDirectory()
    await using _server = await serve(join(temporary.directory, 'metrics.sock'), (socket) => socket.end())
    const diagnosis = await doctor(`unix:${temporary.directory}/metric.sock`)
    const fix = `client doctor unix:${temporary.directory}/metrics.sock`
    assertFinding(diagnosis, { verdict: 'file_missing', code: 'socket_missing', exitCode: 69, fix })
  })

  it('that is a dangling link names the target', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'link.sock')
    await symlink('gone.sock', path)
    const diagnosis = await doctor(`unix:${path}`)
    assertFinding(diagnosis, {
      verdict: 'dangling_link',
      code: 'socket_missing',
      exitCode: 69,
      fix: `ln -sfn`,
    })
    assert.match(diagnosis.finding?.message ?? '', /to gone.sock, which does not exist/)
  })

  for (const [what, target] of [
    ['a loop of links', 'loop.sock'],
    ['a link to a name that is too long', 'n'.repeat(256)],
  ] as const)
    it(`that is ${what} is not a socket`, async () => {
      await using temporary = await temporaryDirectory()
      const path = join(temporary.directory, 'loop.sock')
      await symlink(target, path)
      const expected = {
        verdict: 'not_a_socket',
        code: 'not_a_socket',
        exitCode: 78,
        fix: `ln -sfn REAL-SOCKET ${path}`,
      } as const
      assertFinding(await doctor(`unix:${path}`), expected)
    })

  it('that is a link into a directory without x does not say that the file is missing', async () => {
    await using server = await serveInDirectoryWithMode(0o600)
    const path = join(server.outer, 'link.sock')
    await symlink('closed/a.sock', path)
    const expected = {
      verdict: 'directory_denied',
      code: 'socket_denied',
      exitCode: 77,
      fix: `namei -l ${path}`,
    } as const
    assertFinding(await doctorAsNobody(`unix:${path}`), expected)
  })

  it('that is a link to a live socket is live', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'real.sock')
    await using _server = await serve(path, (socket) => socket.end(NO_CONTENT))
    await symlink('real.sock', join(temporary.directory, 'link.sock'))
    assert.equal((await doctor(`unix:${temporary.directory}/link.sock`)).verdict, 'live')
  })

  it('that is a regular file says so', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'file.sock')
    await writeFile(path, '')
    const expected = {
      verdict: 'not_a_socket',
      code: 'not_a_socket',
      exitCode: 78,
      fix: `mv ${path}`,
    } as const
    assertFinding(await doctor(`unix:${path}`), expected)
  })

  it('that is a directory explains that Docker creates one', async () => {
    await using temporary = await temporaryDirectory()
    await mkdir(join(temporary.directory, 'dir.sock'))
    const diagnosis = await doctor(`unix:${temporary.directory}/dir.sock`)
    const fix = `volumes: ["VOLUME:${temporary.directory}:ro"]`
    assertFinding(diagnosis, { verdict: 'not_a_socket', code: 'not_a_socket', exitCode: 78, fix })
  })

  it('that is a fifo says so', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'fifo.sock')
    assert.equal(spawnSync('mkfifo', [path]).status, 0)
    assert.match((await doctor(`unix:${path}`)).finding?.message ?? '', /is a fifo/)
  })

  it('that is a datagram socket says that the type is wrong', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'datagram.sock')
    const bind = 'socket S,AF_UNIX,SOCK_DGRAM,0;bind S,sockaddr_un shift or die;$|=1;print "ready";sleep 60'
    const child = spawn('perl', ['-MSocket', '-e', bind, path])
    await once(child.stdout, 'data')
    const diagnosis = await doctor(`unix:${path}`)
    child.kill()
    assertFinding(diagnosis, {
      verdict: 'wrong_socket_type',
      code: 'not_a_socket',
      exitCode: 78,
      fix: 'ss -xa',
    })
  })

  it('whose mode denies others says which group to join', async () => {
    await using server = await serveWithMode(0o060)
    const fix = AS_ROOT ? 'group_add: ["0"]' : `chmod u+w ${server.path}`
    const expected = { verdict: 'socket_denied', code: 'socket_denied', exitCode: 77, fix } as const
    assertFinding(await doctorAsNobody(`unix:${server.path}`), expected)
  })

  it('whose mode denies its group too says which mode fixes it', async () => {
    await using server = await serveWithMode(0)
    const diagnosis = await doctorAsNobody(`unix:${server.path}`)
    const fix = AS_ROOT ? `chmod g+w ${server.path}` : `chmod u+w ${server.path}`
    assertFinding(diagnosis, { verdict: 'socket_denied', code: 'socket_denied', exitCode: 77, fix })
    assert.match(diagnosis.finding?.message ?? '', /mode 0000/)
  })

  it('whose mode allows only its owner says so first', async () => {
    await using server = await serveWithMode(0o600, NO_CONTENT)
    const { verdict, finding } = await doctorAsNobody(`unix:${server.path}`)
    assert.equal(verdict, AS_ROOT ? 'socket_denied' : 'live')
    assert.equal(finding?.fixes[0]?.text, AS_ROOT ? 'user: "0"' : undefined)
  })

  it('whose mode allows everybody is live, with a note', async () => {
    await using server = await serveWithMode(0o666, NO_CONTENT)
    const { verdict, steps, processExitCode } = await doctor(`unix:${server.path}`)
    assert.deepEqual({ verdict, processExitCode }, { verdict: 'live', processExitCode: 0 })
    assert.match(
      steps.find(({ state }) => state === 'note')?.said ?? '',
      /every user of this machine may connect/,
    )
  })
})
