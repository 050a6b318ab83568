import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { leaveStaleSocket, serve, temporaryDirectory } from '../testing/broken-server.ts'
import { callClient } from '../testing/call-client.ts'
import { doctor, doctorAsNobody, type Examined } from '../testing/examine.ts'

const NAMES = [
  'a;touch PWNED;',
  'two words',
  "it's",
  '"q"',
  '$(touch PWNED)',
  '`touch PWNED`',
  'a\nb',
  '-rf',
  '*',
  '~',
  '\u001b[31m',
]

/** Faults at a path. One word of each printed command is the path, or begins with it. */
const FAULTS: Record<string, (path: string) => Promise<Examined>> = {
  'a stale socket': async (path) => {
    await leaveStaleSocket(path)
    return await doctor(`unix:${path}`)
  },
  'a file': async (path) => {
    await writeFile(path, '')
    return await doctor(`unix:${path}`)
  },
  'a dangling link': async (path) => {
    await symlink('nowhere', path)
    return await doctor(`unix:${path}`)
  },
  'a loop of links': async (path) => {
    await symlink(path, path)
    return await doctor(`unix:${path}`)
  },
  'no file': (path) => doctor(`unix:${path}`),
  'no directory': (path) => doctor(`unix:${path}/s`),
  'a file instead of a directory': async (path) => {
    await writeFile(path, '')
    return await doctor(`unix:${path}/s`)
  },
  'a denied socket': async (path) => {
    await using _server = await serve(path, (socket) => socket.end())
    await chmod(path, 0)
    return await doctorAsNobody(`unix:${path}`)
  },
  'a denied directory': async (path) => {
    await mkdir(path)
    await chmod(path, 0o600)
    const examined = await doctorAsNobody(`unix:${path}/s`)
    await chmod(path, 0o700)
    return examined
  },
  'another protocol': async (path) => {
    await using _server = await serve(path, (socket) => socket.end('-ERR\r\n'))
    return await doctor(`unix:${path}`)
  },
  'a server that hangs up': async (path) => {
    await using _server = await serve(path, (socket) => socket.destroy())
    return await doctor(`unix:${path}`)
  },
}

describe('a command that doctor prints', () => {
  for (const [what, examine] of Object.entries(FAULTS))
    it(`about ${what} means the same to a shell, whatever the path`, async () => {
      for (const name of NAMES) {
        await using temporary = await temporaryDirectory()
        await chmod(temporary.directory, 0o755)
        const path = join(temporary.directory, name)
        const { finding } = await examine(path)
        const commands =
          finding?.fixes.filter(
            ({ where, text }) => where === 'shell' && text.includes(temporary.directory),
          ) ?? []
        assert.ok(commands.length > 0, JSON.stringify(finding))
        for (const { text } of commands) {
          const words = wordsOf(text, temporary.directory)
          assert.ok(
            words.some((word) => word.replace(/^unix:/, '').startsWith(path)),
            `${text}: ${JSON.stringify(words)}`,
          )
          assert.doesNotMatch(text, /\p{Cc}/u)
        }
      }
    })

  it('about a neighbour with an awkward name is quoted too', async () => {
    await using temporary = await temporaryDirectory()
    await using _server = await serve(join(temporary.directory, '$(id) metrics.sock'), (socket) =>
      socket.end(),
    )
    const { finding } = await doctor(`unix:${temporary.directory}/$(id) metric.sock`)
    assert.equal(finding?.fixes[0]?.text, `client doctor 'unix:${temporary.directory}/$(id) metrics.sock'`)
  })

  it('about a host is quoted too', async () => {
    const { finding } = await doctor('tcp://$(id):1')
    assert.ok(
      finding?.fixes.some(({ text }) => text === "getent hosts '$(id)'"),
      JSON.stringify(finding),
    )
  })

  it('about an abstract name is quoted too', async () => {
    const { finding } = await doctor('unix:@a;touch PWNED;')
    assert.ok(finding?.fixes.some(({ text }) => text === "ss -xl | grep -F '@a;touch PWNED;'"))
  })

  it('for Compose is YAML in which Compose expands no variable', async () => {
    const { finding } = await doctor('unix:/nowhere/a "b" $HOME/s')
    assert.equal(finding?.fixes[0]?.text, String.raw`volumes: ["VOLUME:/nowhere/a \"b\" $$HOME:ro"]`)
    const colon = await doctor('unix:/nowhere/a:b/s')
    assert.match(colon.finding?.fixes[0]?.text ?? '', /target: "\/nowhere\/a:b", read_only: true/)
  })

  it('is printed without characters that control a terminal', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, '\u001b]0;title\u0007\u009b31m\u202e\rx')
    await leaveStaleSocket(path)
    const { stdout } = await callClient(['doctor', `unix:${path}`])
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
    assert.match(stdout, /\\u001b\]0;title\\u0007\\u009b31m\\u202e\\rx/)
  })
})

/** The words of a command as a shell parses them; the command itself is not run. */
function wordsOf(text: string, cwd: string): string[] {
  const parts = text.replaceAll(' | ', ' ')
  const said = execFileSync('sh', ['-c', `printf '%s\\0' ${parts}`], { cwd, encoding: 'utf8' })
  return said.split('\0')
}
