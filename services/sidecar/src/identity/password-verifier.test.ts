import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { build } from 'esbuild'
import { recordedLog } from '../testing/recorded-log.ts'
import { BUSY, MAX_WAITING, MAX_WAITING_PER_CALLER, PasswordVerifier } from './password-verifier.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../../..')
/** Made by htpasswd -nbB, with cost 4, of `correct horse`, and with cost 11. */
const HASH = '$2y$04$3aH7OzFUKPfkAITT7ouvCu7XC9Ry/mWPj01pVkwScorfJDjVoxV1a'
const SLOW = '$2y$11$0haLT0hyljyU5c19IV7pbecRTor/TQsr9dGPlaeGEDTsmIOr2th8a'
const RIGHT = { caller: 'a', key: 'right', password: 'correct horse', hash: HASH }
const WRONG = { ...RIGHT, key: 'wrong', password: 'correct hors' }

/** A worker whose module has this code for each message. */
function workerThat(code: string): URL {
  const source = `import { parentPort } from 'node:worker_threads'; parentPort.on('message', ({ password }) => { ${code} })`
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`)
}

/** Never gives a result. */
const HANGS = workerThat('')

function verifier(options: { worker?: URL; deadlineMs?: number } = {}) {
  return new PasswordVerifier(recordedLog().log, options)
}

describe('the verification of a password', () => {
  it('tells the right one from wrong ones, for each prefix that htpasswd and others write', async () => {
    using passwords = verifier()
    for (const prefix of ['$2y$', '$2b$', '$2a$']) {
      const hash = HASH.replace('$2y$', prefix)
      assert.equal(await passwords.verify({ ...RIGHT, key: prefix, hash }), true)
      assert.equal(await passwords.verify({ ...WRONG, key: `${prefix} wrong`, hash }), false)
    }
  })

  it('does not hold the event loop', async () => {
    using passwords = verifier()
    await passwords.verify(RIGHT) // the thread has started
    let turns = 0
    const turn = setInterval(() => {
      turns += 1
    }, 1)
    assert.equal(await passwords.verify({ ...RIGHT, key: 'slow', hash: SLOW }), true)
    clearInterval(turn)
    assert.ok(turns > 1, `only ${turns} turns of the event loop`)
  })

  it('is done once for identical attempts of one caller, and once for each caller', async () => {
    using passwords = verifier({
      worker: workerThat('parentPort.postMessage((globalThis.n = (globalThis.n ?? 0) + 1) <= 2)'),
    })
    const verdicts = [RIGHT, RIGHT, { ...RIGHT, caller: 'b' }, RIGHT].map((each) => passwords.verify(each))
    assert.deepEqual(await Promise.all(verdicts), [true, true, true, true])
    assert.equal(await passwords.verify(RIGHT), false) // the third
  })

  it('serves callers in turn: many attempts of one do not delay the others', async () => {
    using passwords = verifier({ worker: workerThat('parentPort.postMessage(true)') })
    const order: string[] = []
    const attempt = async (caller: string, key: string) => {
      await passwords.verify({ ...RIGHT, caller, key })
      order.push(key)
    }
    await Promise.all([
      ...['a1', 'a2', 'a3', 'a4', 'a5'].map((key) => attempt('a', key)),
      attempt('b', 'b1'),
      attempt('c', 'c1'),
    ])
    assert.deepEqual(order, ['a1', 'a2', 'b1', 'c1', 'a3', 'a4', 'a5'])
  })

  it('is refused as busy when many attempts of the caller wait, and others still wait', async () => {
    using passwords = verifier({ worker: HANGS })
    const attempt = (caller: string, i: number) => passwords.verify({ ...RIGHT, caller, key: `${i}` })
    for (let i = 0; i <= MAX_WAITING_PER_CALLER; i++) void attempt('a', i) // one is with the worker
    assert.equal(await attempt('a', 100), BUSY)
    const other = attempt('b', 0)
    assert.equal(await Promise.race([other, Promise.resolve('waits')]), 'waits')
  })

  it('gives a place of the caller that has most to a new one, when all are taken', async () => {
    using passwords = verifier({ worker: HANGS })
    const attempt = (caller: string, i: number) => passwords.verify({ ...RIGHT, caller, key: `${i}` })
    void attempt('first', 0)
    const crowd = Array.from({ length: MAX_WAITING / 8 }, (_, caller) =>
      Array.from({ length: 8 }, (_, i) => attempt(`${caller}`, i)),
    ).flat()
    const late = attempt('late', 0)
    assert.equal(await Promise.race(crowd), BUSY)
    assert.equal(await Promise.race([late, Promise.resolve('waits')]), 'waits')
  })

  it('that takes too long is busy, is logged once without the password, and the next gets a new thread', async () => {
    const { log, text } = recordedLog()
    const worker = workerThat("if (password !== 'hang') parentPort.postMessage(true)")
    using passwords = new PasswordVerifier(log, { worker, deadlineMs: 500 })
    for (const key of ['1', '2'])
      assert.equal(await passwords.verify({ ...RIGHT, key, password: 'hang' }), BUSY)
    assert.match(text(), /^error .*no result after 500 ms/s)
    assert.equal(
      text()
        .split('\n')
        .filter((line) => line.startsWith('error [')).length,
      1,
    )
    assert.ok(!text().includes('hang'))
  })

  it('goes on after the thread has died', async () => {
    const { log, text } = recordedLog()
    const worker = workerThat("if (password === 'die') process.exit(3); else parentPort.postMessage(true)")
    using passwords = new PasswordVerifier(log, { worker })
    assert.equal(await passwords.verify(RIGHT), true)
    assert.equal(await passwords.verify({ ...WRONG, password: 'die' }), BUSY)
    assert.match(text(), /it ended with code 3/)
    assert.equal(await passwords.verify(RIGHT), true)
  })

  it('is busy when the thread cannot start', async () => {
    const { log, text } = recordedLog()
    using passwords = new PasswordVerifier(log, { worker: new URL('./missing.ts', import.meta.url) })
    assert.equal(await passwords.verify(RIGHT), BUSY)
    assert.match(text(), /missing\.ts/)
  })

  it('that waits at the disposal is busy', async () => {
    const passwords = verifier({ worker: HANGS })
    const waiting = [passwords.verify(RIGHT), passwords.verify(WRONG)]
    passwords[Symbol.dispose]()
    assert.deepEqual(await Promise.all(waiting), [BUSY, BUSY])
    assert.equal(await passwords.verify(RIGHT), BUSY)
  })
})

describe('the worker', () => {
  /** A program that verifies a right and a wrong password, disposes of nothing, and is expected to end by itself. */
  function program(module: string): string {
    return `
import { PasswordVerifier } from ${JSON.stringify(pathToFileURL(module).href)}
const passwords = new PasswordVerifier({ error: console.error })
const [right, wrong] = ${JSON.stringify([RIGHT, WRONG])}
console.log(await passwords.verify(right), await passwords.verify(wrong))`
  }

  it('does not keep the process alive', async () => {
    const source = program(join(import.meta.dirname, 'password-verifier.ts'))
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source])
    assert.equal(stdout, 'true false\n')
  })

  it('is in the bundle beside the program that starts it', async () => {
    await using directory = await tempDirectory()
    await run(process.execPath, ['scripts/bundle.ts', directory.path], { cwd: ROOT })
    const outfile = directory.at('sidecar/verifier.mjs')
    await build({
      entryPoints: [join(import.meta.dirname, 'password-verifier.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'esnext',
    })
    const main = join(dirname(outfile), 'program.mjs')
    await writeFile(main, program(outfile))
    const { stdout } = await run(process.execPath, [main], { cwd: '/' })
    assert.equal(stdout, 'true false\n')
  })
})
