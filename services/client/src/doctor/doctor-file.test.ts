import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { serve, temporaryDirectory } from '../testing/broken-server.ts'
import { AS_ROOT, assertFinding, doctor, doctorAsNobody } from '../testing/examine.ts'

describe('doctor, of a file', () => {
  it('that is not there names the near one', async () => {
    await using temporary = await temporaryDirectory()
    await using _server = await serve(join(temporary.directory, 'metrics.sock'), (socket) => socket.end())
    const diagnosis = await doctor(`unix:${temporary.directory}/metric.sock`)
    const fix = `client doctor unix:${temporary.directory}/metrics.sock`
    assertFinding(diagnosis, { verdict: 'file_missing', code: 'socket_missing', exitCode: 69, fix })
  })

  it('that is a link to nothing names the target', async () => {
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
    assert.match(diagnosis.finding?.message ?? '', /to gone.sock, which is not there/)
  })

  for (const [what, target] of [
    ['a loop of links', 'loop.sock'],
    ['a link to a name that is too long', 'n'.repeat(256)],
  ] as const)
    it(`that is ${what} is no socket`, async () => {
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

  it('that is a link into a closed directory does not say that it is not there', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const closed = join(temporary.directory, 'closed')
    await mkdir(closed)
    await using _server = await serve(join(closed, 'a.sock'), (socket) => socket.end())
    const path = join(temporary.directory, 'link.sock')
    await symlink('closed/a.sock', path)
    await chmod(closed, 0o600)
    const diagnosis = await doctorAsNobody(`unix:${path}`)
    await chmod(closed, 0o700)
    const expected = {
      verdict: 'directory_denied',
      code: 'socket_denied',
      exitCode: 77,
      fix: `namei -l ${path}`,
    } as const
    assertFinding(diagnosis, expected)
  })

  it('that is a link to a live socket follows it', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 'real.sock')
    await using _server = await serve(path, (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
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

  it('that is a directory explains how Docker makes one', async () => {
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

  it('that is a datagram socket says that it is another type', async () => {
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

  it('whose mode denies us says which group to join', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'denied.sock')
    await using _server = await serve(path, (socket) => socket.end())
    await chmod(path, 0o060)
    const fix = AS_ROOT ? 'group_add: ["0"]' : `chmod u+w ${path}`
    const expected = { verdict: 'socket_denied', code: 'socket_denied', exitCode: 77, fix } as const
    assertFinding(await doctorAsNobody(`unix:${path}`), expected)
  })

  it('whose mode denies its group too says which mode mends it', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'closed.sock')
    await using _server = await serve(path, (socket) => socket.end())
    await chmod(path, 0)
    const diagnosis = await doctorAsNobody(`unix:${path}`)
    const fix = AS_ROOT ? `chmod g+w ${path}` : `chmod u+w ${path}`
    assertFinding(diagnosis, { verdict: 'socket_denied', code: 'socket_denied', exitCode: 77, fix })
    assert.match(diagnosis.finding?.message ?? '', /mode 0000/)
  })

  it('whose mode is for its owner alone says so first', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'private.sock')
    await using _server = await serve(path, (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
    await chmod(path, 0o600)
    const { verdict, finding } = await doctorAsNobody(`unix:${path}`)
    assert.equal(verdict, AS_ROOT ? 'socket_denied' : 'live')
    assert.equal(finding?.fixes[0]?.text, AS_ROOT ? 'user: "0"' : undefined)
  })

  it('whose mode lets everybody in is live, with a note', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const path = join(temporary.directory, 'open.sock')
    await using _server = await serve(path, (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
    await chmod(path, 0o666)
    const { verdict, steps, processExitCode } = await doctor(`unix:${path}`)
    assert.deepEqual({ verdict, processExitCode }, { verdict: 'live', processExitCode: 0 })
    assert.match(
      steps.find(({ state }) => state === 'note')?.said ?? '',
      /every user of this machine may connect/,
    )
  })
})
