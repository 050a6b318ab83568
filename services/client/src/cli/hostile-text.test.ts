import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { serve, temporaryDirectory } from '../testing/broken-server.ts'
import { callClient } from '../testing/call-client.ts'
import { startClient } from '../testing/run-client.ts'

/** A colour, a bell, a one-byte CSI, a return, a delete, a change of text direction: all act on a terminal. */
const HOSTILE = 'x\u001b[31m\u0007\u009b2J\r\u007f\u202e\u2066y'
const SHOWN = 'x\\u001b[31m\\u0007\\u009b2J\\r\\u007f\\u202e\\u2066y'
const CONTROL = /[\p{Cc}\p{Cf}]/u

const PROBLEM = { title: HOSTILE, detail: HOSTILE, code: HOSTILE, hint: HOSTILE }
/** JSON escapes C0 characters by itself, but no other control characters. */
const STATUS = { name: HOSTILE, [HOSTILE]: 1, sockets: [{ [HOSTILE]: HOSTILE }], nested: { a: [HOSTILE] } }
const METRICS = `# HELP m ${HOSTILE}\n# TYPE m counter\nm{l="${HOSTILE}"} 1\n{"${HOSTILE}"} 2\n`

/** A server on a hostile path whose responses are all hostile. */
async function hostileServer() {
  const temporary = await temporaryDirectory()
  const path = join(temporary.directory, HOSTILE.slice(0, 20))
  const server = createServer((request, response) => {
    if (request.url === '/status') response.end(JSON.stringify(STATUS))
    else if (request.url === '/metrics') response.end(METRICS)
    else response.writeHead(500, { 'content-type': 'application/problem+json' }).end(JSON.stringify(PROBLEM))
  })
  await once(server.listen(path), 'listening')
  const end = async () => {
    await server[Symbol.asyncDispose]()
    await temporary[Symbol.asyncDispose]()
  }
  return { endpoint: `unix:${path}`, [Symbol.asyncDispose]: end }
}

function assertShown(text: string, what: string): void {
  assert.doesNotMatch(text.replaceAll('\n', ''), CONTROL, what)
  assert.ok(text.includes(SHOWN), `${what}: ${JSON.stringify(text)}`)
}

describe('text of other programs', () => {
  it('in status and metrics has its control characters escaped', async () => {
    await using server = await hostileServer()
    for (const command of ['status', 'metrics']) {
      const { exitCode, stdout } = await callClient([command, server.endpoint])
      assert.equal(exitCode, 0)
      assertShown(stdout, command)
    }
  })

  it('with --json is JSON of the same value, escaped too', async () => {
    await using server = await hostileServer()
    const status = await callClient(['status', server.endpoint, '--json'])
    assert.deepEqual(JSON.parse(status.stdout), STATUS)
    const metrics = await callClient(['metrics', server.endpoint, '--json'])
    const { families } = JSON.parse(metrics.stdout)
    assert.equal(families[0].help, HOSTILE)
    assert.equal(families[0].samples[0].labels.l, HOSTILE)
    const visit = await callClient(['visit', server.endpoint, '--json'])
    assert.equal(JSON.parse(visit.stderr).error.hint, HOSTILE)
    for (const { stdout, stderr } of [status, metrics, visit])
      assert.doesNotMatch((stdout + stderr).replaceAll('\n', ''), CONTROL)
  })

  it('in a problem body is escaped on stderr', async () => {
    await using server = await hostileServer()
    const { exitCode, stderr } = await callClient(['visit', server.endpoint])
    assert.equal(exitCode, 69)
    assertShown(stderr, 'visit')
    assert.equal(stderr.split('\n').length, 3, 'the message and its hint, a line each')
  })

  it('in a problem body is escaped in a finding of doctor', async () => {
    await using server = await hostileServer()
    assertShown((await callClient(['doctor', server.endpoint])).stdout, 'doctor')
  })

  it('is escaped in the tables of exercise and watch', async () => {
    await using server = await hostileServer()
    const env = { CLIENT_API: server.endpoint, CLIENT_ECHO: server.endpoint, CLIENT_OPS: server.endpoint }
    assertShown((await callClient(['exercise'], { env })).stdout, 'exercise')
    const watch = startClient(['watch', '--interval-ms', '50'], { env })
    const [line] = await once(watch.stdout.setEncoding('utf8'), 'data')
    watch.kill('SIGINT')
    await once(watch, 'exit')
    assertShown(line, 'watch')
  })

  it('in an echo is escaped, and unchanged with --raw', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 's')
    await using _server = await serve(path, (socket) => socket.end(`${HOSTILE}\tü🚀\n`))
    for (const args of [['-m', 'x'], []]) {
      const shown = await callClient(['echo', `unix:${path}`, ...args])
      assert.equal(shown.stdout.replace('\\t', '\t'), `${SHOWN}\tü🚀\n`)
      const raw = await callClient(['echo', `unix:${path}`, '--raw', ...args])
      assert.equal(raw.stdout, `${HOSTILE}\tü🚀\n`)
      const json = await callClient(['echo', `unix:${path}`, '--json', ...args])
      assert.deepEqual(JSON.parse(json.stdout), { received: `${HOSTILE}\tü🚀` })
      assert.doesNotMatch(json.stdout.replaceAll('\n', ''), CONTROL)
    }
  })

  it('in an echo keeps a character that arrives in two pieces', async () => {
    await using temporary = await temporaryDirectory()
    const path = join(temporary.directory, 's')
    const bytes = Buffer.from('ü🚀\n')
    await using _server = await serve(path, (socket) => {
      socket.write(bytes.subarray(0, 1))
      setImmediate(() => socket.end(bytes.subarray(1)))
    })
    assert.equal((await callClient(['echo', `unix:${path}`])).stdout, 'ü🚀\n')
  })
})

describe('an argument or a variable', () => {
  const cases: Record<string, [args: string[], env: Record<string, string>]> = {
    'no such command': [[HOSTILE], {}],
    'no such option': [['status', `--${HOSTILE}`], {}],
    'one argument too many': [['status', 'unix:/s', HOSTILE], {}],
    'an invalid value': [['status', '--timeout-ms', HOSTILE], {}],
    'an invalid endpoint': [['status', HOSTILE], {}],
    'an endpoint together with --tcp': [['status', `unix:/${HOSTILE}`, '--tcp'], {}],
    'a path that is too long': [['status', `unix:/${HOSTILE.repeat(9)}`], {}],
    'a path without a file': [['status', `unix:/nowhere/${HOSTILE}`], {}],
    'an invalid variable': [['status'], { CLIENT_API: HOSTILE }],
    'a path of a variable that is too long': [['status'], { CLIENT_API: `unix:/${HOSTILE.repeat(9)}` }],
    'an invalid pattern': [['metrics', '--grep', `(${HOSTILE}`], {}],
  }
  for (const [what, [args, env]] of Object.entries(cases))
    it(`(${what}) is shown without control characters`, async () => {
      const { exitCode, stderr } = await callClient(args, { env })
      assert.notEqual(exitCode, 0)
      assert.notEqual(exitCode, 70)
      assert.doesNotMatch(stderr.replaceAll('\n', ''), CONTROL)
      assert.match(stderr, /u009b/)
      const inJson = await callClient([...args, '--json'], { env })
      assert.equal(typeof JSON.parse(inJson.stderr).error.message, 'string')
      assert.doesNotMatch(inJson.stderr.replaceAll('\n', ''), CONTROL)
    })

  it('with a line feed cannot fake a hint', async () => {
    const { stderr } = await callClient(['status', 'unix:/nowhere/s\n  hint: rm -rf /'])
    assert.deepEqual(
      stderr.split('\n').map((line) => line.slice(0, 8)),
      ['client: ', '  hint: ', ''],
    )
  })
})
