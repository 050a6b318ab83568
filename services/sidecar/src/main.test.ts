import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from './testing/conversation.ts'
import { rawServer } from './testing/raw-server.ts'

const MAIN = new URL('./main.ts', import.meta.url).pathname
const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'

interface Running {
  readonly child: ChildProcess
  /** Everything that was logged so far. */
  log(): string
}

function start(env: NodeJS.ProcessEnv, ...args: string[]): Running & AsyncDisposable {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let log = ''
  child.stdout?.on('data', (chunk) => {
    log += chunk
  })
  const dispose = async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
  }
  return { child, log: () => log, [Symbol.asyncDispose]: dispose }
}

/** Runs to the end; what it wrote and its exit code. */
async function run(env: NodeJS.ProcessEnv, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { env })
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { out, error, code }
}

async function started({ log }: Running, name = 'main'): Promise<number> {
  const port = () => new RegExp(`"${name}":"tcp://127.0.0.1:(\\d+)"(?!.*refused)`).exec(log())?.[1]
  await eventually('it to start', () => port() !== undefined)
  return Number(port())
}

const LISTEN = 'tcp://127.0.0.1:0'

describe('the sidecar as a process', () => {
  it('relays, and at SIGTERM answers what is in flight and ends with 0', async () => {
    await using directory = await tempDirectory()
    const path = `${directory.path}/u`
    const waiting: (() => void)[] = []
    await using _ = await rawServer(path, (socket) =>
      socket.on('data', () =>
        waiting.push(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
      ),
    )
    await using sidecar = start({ SIDECAR_LISTEN: LISTEN, SIDECAR_UPSTREAM: `unix:${path}` })
    using client = new Conversation(await started(sidecar))
    client.send(GET)
    await eventually('the request to be forwarded', () => waiting.length === 1)
    sidecar.child.kill('SIGTERM')
    await eventually('it to drain', () => sidecar.log().includes('draining'))
    waiting[0]?.()
    assert.match(await client.toItsEnd(), /Connection: close.*ok$/s)
    const [code] = await once(sidecar.child, 'exit')
    assert.equal(code, 0)
  })

  it('at a SIGTERM while it starts ends with 0', async () => {
    const signalledAtListen = `import net from 'node:net'
      const { listen } = net.Server.prototype
      net.Server.prototype.listen = function (...args) {
        process.once('SIGTERM', () => listen.apply(this, args))
        process.kill(process.pid, 'SIGTERM')
        return this
      }`
    await using sidecar = start({
      SIDECAR_LISTEN: LISTEN,
      SIDECAR_UPSTREAM: 'unix:/nowhere',
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(signalledAtListen)}`,
    })
    assert.deepEqual(await once(sidecar.child, 'exit'), [0, null])
  })

  it('at a second signal ends at once', async () => {
    await using directory = await tempDirectory()
    await using _ = await rawServer(`${directory.path}/u`, () => undefined)
    await using sidecar = start({ SIDECAR_LISTEN: LISTEN, SIDECAR_UPSTREAM: `unix:${directory.path}/u` })
    using client = new Conversation(await started(sidecar))
    client.send(GET)
    await eventually('the request to be forwarded', () => sidecar.log().includes('answers'))
    sidecar.child.kill('SIGTERM')
    await eventually('it to drain', () => sidecar.log().includes('draining'))
    sidecar.child.kill('SIGTERM')
    assert.deepEqual(await once(sidecar.child, 'exit'), [143, null])
  })

  it('at SIGHUP takes a good configuration, and refuses a bad one whole', async () => {
    await using directory = await tempDirectory()
    const file = `${directory.path}/sidecar.yaml`
    const config = (name: string) =>
      `routes: [{name: ${name}, kind: stream, listen: "${LISTEN}", upstream: "unix:${directory.path}/u"}]`
    await writeFile(file, config('one'))
    await using sidecar = start({ SIDECAR_CONFIG: file })
    const port = await started(sidecar, 'one')
    await writeFile(file, `${config('two')}\nx: 1`)
    sidecar.child.kill('SIGHUP')
    await eventually('the refusal', () => sidecar.log().includes('is refused, the old one stays in force'))
    assert.match(sidecar.log(), /sidecar.yaml:2 x is not a setting here/)
    await writeFile(file, config('two'))
    sidecar.child.kill('SIGHUP')
    assert.equal(await started(sidecar, 'two'), port)
  })
})

describe('the sidecar at a SIGHUP whose configuration is broken', () => {
  for (const [what, broken] of [
    ['an unknown alias', 'ops: *none'],
    [
      'aliases that multiply',
      `a: &a [x, x]\n${[...'bcdefgh'].map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]}, `.repeat(9)}]`).join('\n')}`,
    ],
    ['ten thousand lists in one another', `ops: ${'['.repeat(10_000)}`],
    ['more than a mebibyte', '#'.repeat(2_000_000)],
  ] as const)
    it(`by ${what}, logs that it is refused and goes on; --check says 78`, async () => {
      await using directory = await tempDirectory()
      const file = `${directory.path}/sidecar.yaml`
      const good = `routes: [{name: one, kind: stream, listen: "${LISTEN}", upstream: "unix:${directory.path}/u"}]`
      await writeFile(file, good)
      await using sidecar = start({ SIDECAR_CONFIG: file })
      await started(sidecar, 'one')
      await writeFile(file, broken)
      sidecar.child.kill('SIGHUP')
      await eventually('the refusal', () => sidecar.log().includes('is refused, the old one stays in force'))
      assert.match(sidecar.log(), /"code":"bad_config"/)
      const { code, error } = await run({ SIDECAR_CONFIG: file }, '--check')
      assert.equal(code, 78)
      assert.match(error, /^sidecar: bad_config: .*sidecar\.yaml/)
      await writeFile(file, good)
      sidecar.child.kill('SIGHUP')
      await eventually('the next to be taken', () => sidecar.log().includes('is in force'))
      assert.equal(sidecar.child.exitCode, null)
    })

  it('and that comes while it starts, reads the configuration once it has started', async () => {
    await using directory = await tempDirectory()
    const file = `${directory.path}/sidecar.yaml`
    await writeFile(file, `routes: [{name: one, kind: stream, listen: "${LISTEN}", upstream: "unix:/u"}]`)
    const signalledAtListen = `import net from 'node:net'
      const { listen } = net.Server.prototype
      net.Server.prototype.listen = function (...args) {
        process.once('SIGHUP', () => listen.apply(this, args))
        process.kill(process.pid, 'SIGHUP')
        return this
      }`
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(signalledAtListen)}`
    await using sidecar = start({ SIDECAR_CONFIG: file, NODE_OPTIONS })
    await eventually('the reload', () => sidecar.log().includes('the new configuration is in force'))
    assert.equal(sidecar.child.exitCode, null)
  })

  it('by a defect, logs it and goes on', async () => {
    await using directory = await tempDirectory()
    const file = `${directory.path}/sidecar.yaml`
    await writeFile(file, `routes: [{name: one, kind: stream, listen: "${LISTEN}", upstream: "unix:/u"}]`)
    const failing = `import net from 'node:net'
      const { listen } = net.Server.prototype
      let count = 0
      net.Server.prototype.listen = function (...args) {
        if ((count += 1) > 1) throw new RangeError('made up')
        return listen.apply(this, args)
      }`
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(failing)}`
    await using sidecar = start({ SIDECAR_CONFIG: file, NODE_OPTIONS })
    await started(sidecar, 'one')
    await writeFile(
      file,
      `routes: [{name: two, kind: stream, listen: "tcp://127.0.0.2:0", upstream: "unix:/u"}]`,
    )
    sidecar.child.kill('SIGHUP')
    await eventually('the refusal', () => sidecar.log().includes('stays in force: a defect of this program'))
    assert.match(sidecar.log(), /made up/)
    assert.equal(sidecar.child.exitCode, null)
  })
})

describe('an option', () => {
  const good = { SIDECAR_LISTEN: LISTEN, SIDECAR_UPSTREAM: 'unix:/nowhere' }

  it('--check says whether the configuration is good, and ends with 0 or 78', async () => {
    const { code, out } = await run(good, '--check')
    assert.deepEqual([code, out], [0, 'the configuration is good: main\n'])
    const bad = await run({ SIDECAR_LISTEN: LISTEN }, '--check')
    assert.equal(bad.code, 78)
    assert.match(bad.error, /^sidecar: bad_config: SIDECAR_UPSTREAM is not set and is required\n {2}hint: /)
  })

  it('--help explains the options on stdout, and an unknown one is 64', () => {
    const help = spawnSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' })
    assert.deepEqual([help.status, help.stderr], [0, ''])
    assert.match(help.stdout, /^usage: sidecar /)
    const unknown = spawnSync(process.execPath, [MAIN, '--bogus'], { encoding: 'utf8' })
    assert.deepEqual([unknown.status, unknown.stdout], [64, ''])
    assert.match(unknown.stderr, /no option --bogus/)
  })

  it('--version prints the version', async () => {
    assert.deepEqual(await run({ VERSION: '1.2.3' }, '--version'), {
      out: 'sidecar 1.2.3\n',
      error: '',
      code: 0,
    })
  })

  it('--schema prints the JSON Schema', async () => {
    assert.equal(JSON.parse((await run({}, '--schema')).out).title, 'uds-sidecar configuration')
  })

  it('that is none is told with the usage, and ends with 64', async () => {
    const { code, error } = await run(good, '--chekc')
    assert.equal(code, 64)
    assert.match(error, /there is no option --chekc\nusage: /)
  })
})
