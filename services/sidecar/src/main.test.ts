import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from './testing/conversation.ts'
import { GET, OK } from './testing/http-stack.ts'
import { rawServer } from './testing/raw-server.ts'
import { runSidecar, sidecarProcess } from './testing/sidecar-process.ts'

const LISTEN = 'tcp://127.0.0.1:0'

/** Sends this signal to the sidecar while it opens its first port. */
const signalDuringStart = (signal: string) => `import net from 'node:net'
  const { listen } = net.Server.prototype
  net.Server.prototype.listen = function (...args) {
    process.once('${signal}', () => listen.apply(this, args))
    process.kill(process.pid, '${signal}')
    return this
  }`

function streamRoute(name: string, listen = LISTEN): string {
  return `routes: [{name: ${name}, kind: stream, listen: "${listen}", upstream: "unix:/nowhere"}]`
}

/** A configuration file in a directory of its own, with one stream route. */
async function configFile(name: string) {
  const directory = await tempDirectory()
  const path = `${directory.path}/sidecar.yaml`
  await writeFile(path, streamRoute(name))
  return {
    path,
    write: (text: string) => writeFile(path, text),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

describe('a sidecar process at SIGTERM', () => {
  it('finishes the request in flight with Connection: close, and exits with 0', async () => {
    await using directory = await tempDirectory()
    const path = `${directory.path}/u`
    const waiting: (() => void)[] = []
    await using _ = await rawServer(path, (socket) =>
      socket.on('data', () => waiting.push(() => socket.write(OK))),
    )
    await using sidecar = sidecarProcess({
      SIDECAR_LISTEN: LISTEN,
      SIDECAR_UPSTREAM: `unix:${path}`,
      SIDECAR_ALLOW: 'GET /a',
    })
    using client = new Conversation(await sidecar.port('main'))
    client.send(GET)
    await eventually('the request to be forwarded', () => waiting.length === 1)
    sidecar.child.kill('SIGTERM')
    await eventually('it to drain', () => sidecar.log().includes('draining'))
    waiting[0]?.()
    assert.match(await client.toItsEnd(), /Connection: close.*ok$/s)
    const [code] = await once(sidecar.child, 'exit')
    assert.equal(code, 0)
  })

  it('exits with 0 when the signal comes during the start', async () => {
    const env = { SIDECAR_LISTEN: LISTEN, SIDECAR_UPSTREAM: 'unix:/nowhere' }
    await using sidecar = sidecarProcess(env, { preload: signalDuringStart('SIGTERM') })
    assert.deepEqual(await once(sidecar.child, 'exit'), [0, null])
  })

  it('exits immediately with 143 at a second SIGTERM', async () => {
    await using directory = await tempDirectory()
    let requests = 0
    await using _ = await rawServer(`${directory.path}/u`, (socket) =>
      socket.on('data', () => {
        requests += 1
      }),
    )
    await using sidecar = sidecarProcess({
      SIDECAR_LISTEN: LISTEN,
      SIDECAR_UPSTREAM: `unix:${directory.path}/u`,
      SIDECAR_ALLOW: 'GET /a',
    })
    using client = new Conversation(await sidecar.port('main'))
    client.send(GET)
    await eventually('the request to be forwarded', () => requests === 1)
    sidecar.child.kill('SIGTERM')
    await eventually('it to drain', () => sidecar.log().includes('draining'))
    sidecar.child.kill('SIGTERM')
    assert.deepEqual(await once(sidecar.child, 'exit'), [143, null])
  })
})

describe('a sidecar process at SIGHUP', () => {
  it('refuses an invalid configuration completely, and then applies a valid one', async () => {
    await using file = await configFile('one')
    await using sidecar = sidecarProcess({ SIDECAR_CONFIG: file.path })
    const port = await sidecar.port('one')
    await file.write(`${streamRoute('two')}\nx: 1`)
    sidecar.child.kill('SIGHUP')
    await eventually('the refusal', () => sidecar.log().includes('is refused, the old one stays active'))
    assert.match(sidecar.log(), /sidecar.yaml:2 x is not a setting here/)
    await file.write(streamRoute('two'))
    sidecar.child.kill('SIGHUP')
    assert.equal(await sidecar.port('two'), port)
  })

  it('logs the errno when it cannot listen, and keeps the old configuration', async () => {
    await using file = await configFile('one')
    await using sidecar = sidecarProcess({ SIDECAR_CONFIG: file.path })
    await sidecar.port('one')
    await file.write(streamRoute('two', 'tcp://192.0.2.1:7070')) // TEST-NET-1: nobody has it
    sidecar.child.kill('SIGHUP')
    await eventually('the refusal', () => sidecar.log().includes('is refused, the old one stays active'))
    assert.match(sidecar.log(), /"level":"error".*"errno":"EADDRNOTAVAIL".*stays active: /)
  })

  it('reads the configuration once it has started, when the signal comes during the start', async () => {
    await using file = await configFile('one')
    await using sidecar = sidecarProcess(
      { SIDECAR_CONFIG: file.path },
      { preload: signalDuringStart('SIGHUP') },
    )
    await eventually('the reload', () => sidecar.log().includes('the new configuration is active'))
    assert.equal(sidecar.child.exitCode, null)
  })

  it('logs an internal error and keeps the old configuration', async () => {
    await using file = await configFile('one')
    const preload = `import net from 'node:net'
      const { listen } = net.Server.prototype
      let count = 0
      net.Server.prototype.listen = function (...args) {
        if ((count += 1) > 1) throw new RangeError('made up')
        return listen.apply(this, args)
      }`
    await using sidecar = sidecarProcess({ SIDECAR_CONFIG: file.path }, { preload })
    await sidecar.port('one')
    await file.write(streamRoute('two', 'tcp://127.0.0.2:0'))
    sidecar.child.kill('SIGHUP')
    await eventually('the refusal', () => sidecar.log().includes('stays active: internal error'))
    assert.match(sidecar.log(), /made up/)
    assert.equal(sidecar.child.exitCode, null)
  })

  describe('with a configuration file that has', () => {
    for (const [what, broken] of [
      ['an unknown alias', 'ops: *none'],
      [
        'aliases that expand exponentially',
        `a: &a [x, x]\n${[...'bcdefgh'].map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]}, `.repeat(9)}]`).join('\n')}`,
      ],
      ['lists nested 10,000 deep', `ops: ${'['.repeat(10_000)}`],
      ['more than 1 MiB', '#'.repeat(2_000_000)],
    ] as const)
      it(`${what}, logs the refusal and continues; --check exits with 78`, async () => {
        await using file = await configFile('one')
        await using sidecar = sidecarProcess({ SIDECAR_CONFIG: file.path })
        await sidecar.port('one')
        await file.write(broken)
        sidecar.child.kill('SIGHUP')
        await eventually('the refusal', () => sidecar.log().includes('is refused, the old one stays active'))
        assert.match(sidecar.log(), /"code":"bad_config"/)
        const { code, error } = await runSidecar({ SIDECAR_CONFIG: file.path }, '--check')
        assert.equal(code, 78)
        assert.match(error, /^sidecar: bad_config: .*sidecar\.yaml/)
        await file.write(streamRoute('one'))
        sidecar.child.kill('SIGHUP')
        await eventually('the next reload', () => sidecar.log().includes('the new configuration is active'))
        assert.equal(sidecar.child.exitCode, null)
      })
  })
})

describe('sidecar', () => {
  const valid = { SIDECAR_LISTEN: LISTEN, SIDECAR_UPSTREAM: 'unix:/nowhere' }

  it('--check exits with 0 for a valid configuration', async () => {
    const { code, out } = await runSidecar(valid, '--check')
    assert.deepEqual([code, out], [0, 'the configuration is valid: main\n'])
  })

  it('--check exits with 78 for an invalid configuration', async () => {
    const { code, error } = await runSidecar({ SIDECAR_LISTEN: LISTEN }, '--check')
    assert.equal(code, 78)
    assert.match(error, /^sidecar: bad_config: SIDECAR_UPSTREAM is not set and is required\n {2}hint: /)
  })

  it('--help prints the usage to stdout', async () => {
    const { code, out, error } = await runSidecar({}, '--help')
    assert.deepEqual([code, error], [0, ''])
    assert.match(out, /^usage: sidecar /)
  })

  it('--version prints the version', async () => {
    const { code, out, error } = await runSidecar({ VERSION: '1.2.3' }, '--version')
    assert.deepEqual([code, out, error], [0, 'sidecar 1.2.3\n', ''])
  })

  it('--schema prints the JSON Schema', async () => {
    const { out } = await runSidecar({}, '--schema')
    assert.equal(JSON.parse(out).title, 'uds-sidecar configuration')
  })

  it('with an unknown option prints the usage to stderr, and exits with 64', async () => {
    const { code, out, error } = await runSidecar(valid, '--chekc')
    assert.deepEqual([code, out], [64, ''])
    assert.match(error, /unknown option --chekc\nusage: /)
  })
})
