import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { unlink } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { namesIn, tempDirectory } from '../testing/files.ts'
import { readAll, rejection } from '../testing/listeners.ts'
import { Perl, WITHOUT_FFI } from '../testing/processes.ts'
import { expectEvent, failureOf, start, startListening } from '../testing/server-processes.ts'
import { openLocked } from './kernel-lock.ts'

const AT_ONCE = { waitMs: 0, onWait: () => undefined }
const NOTHING_IS_LOCAL: ReadonlySet<number> = new Set()

/** The ways to take the lock, by the arguments that make a Node take it so. */
const WAYS = { 'flock(2)': [], 'flock(1)': WITHOUT_FFI } as const
const PAIRS = Object.keys(WAYS).flatMap((first) => Object.keys(WAYS).map((second) => [first, second]))

function nodeArgs(way: string | undefined): { nodeArgs: readonly string[] } {
  return { nodeArgs: way === 'flock(1)' ? WAYS['flock(1)'] : WAYS['flock(2)'] }
}

for (const [first, second] of PAIRS) {
  describe(`a server that locks by ${first}, and a start that locks by ${second}`, () => {
    it('exclude each other', async () => {
      await using directory = await tempDirectory()
      const task = { endpoint: `unix:${directory.at('s')}`, options: { watch: false } }
      await using owner = await startListening(task, nodeArgs(first))
      await unlink(directory.at('s')) // what is left to tell that somebody owns the path is the lock
      assert.equal((await failureOf(task, nodeArgs(second))).code, 'in_use')
      assert.deepEqual(await namesIn(directory.path), ['s.lock'])
      owner.send('close')
      assert.equal(await owner.ended(), 0)
    })

    it('hand over at a takeover, and after a crash', async () => {
      await using directory = await tempDirectory()
      const task = { endpoint: `unix:${directory.at('s')}`, options: { onConflict: 'takeover' } } as const
      await using incumbent = await startListening(task, nodeArgs(first))
      await using successor = await startListening(task, nodeArgs(second))
      assert.equal(await incumbent.ended(), 0)
      await successor.crash()
      await using next = await startListening(task, nodeArgs(first))
      assert.equal(await readAll({ kind: 'unix', path: directory.at('s') }), String(next.pid))
    })
  })
}

describe('a takeover that waits for the lock by flock(2)', () => {
  it('has it when the holder lets go, and serves', async () => {
    await using directory = await tempDirectory()
    await using holder = await Perl.run(
      'sysopen(F, $ARGV[0], O_RDWR | O_CREAT, 0600); flock(F, LOCK_EX); $SIG{USR1} = sub { close F }; print 1; sleep while 1',
      directory.at('s.lock'),
    )
    const task = { endpoint: `unix:${directory.at('s')}`, options: { onConflict: 'takeover' } } as const
    await using child = start(task, nodeArgs('flock(2)'))
    await child.says(/^waiting for lock file .*, held by process \d+ \(perl\)/)
    holder.signal('SIGUSR1')
    await expectEvent(child, 'listening')
  })
})

for (const [way, local] of Object.entries({ 'flock(2)': undefined, 'flock(1)': NOTHING_IS_LOCAL })) {
  describe(`a lock by ${way}`, () => {
    it('is not inherited by a child, which could keep it', async () => {
      await using directory = await tempDirectory()
      const file = await openLocked(directory.at('lock'), AT_ONCE, local)
      const child = spawn('sleep', ['600'], { stdio: 'ignore' })
      await once(child, 'spawn')
      try {
        assert.equal(await openLocked(directory.at('lock'), AT_ONCE, local), undefined)
        await file?.close()
        const again = await openLocked(directory.at('lock'), AT_ONCE, local)
        assert.notEqual(again, undefined)
        await again?.close()
      } finally {
        child.kill('SIGKILL')
      }
    })
  })
}

describe('a lock on a file system where flock(2) may block', () => {
  it('is taken by flock(1), and where there is none the refusal says why it is needed', async () => {
    await using directory = await tempDirectory()
    const { PATH } = process.env
    process.env.PATH = directory.path
    try {
      const { code, hint } = await rejection(lockOrFail(directory.at('lock')))
      assert.equal(code, 'lock_unavailable')
      assert.match(
        hint,
        /^install util-linux; .* flock\(2\) may block on this file system \(type 0x[0-9a-f]+\)/,
      )
    } finally {
      process.env.PATH = PATH
    }
  })
})

async function lockOrFail(path: string): Promise<void> {
  await (await openLocked(path, AT_ONCE, NOTHING_IS_LOCAL))?.close()
}
