import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, unlink, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { dial } from '../dial/dial.ts'
import { request } from '../http/request.ts'
import { namesIn, tempDirectory } from '../testing/files.ts'
import { greet, greetHttp, nextEvent, readAll, rejection } from '../testing/listeners.ts'
import { startListening } from '../testing/server-processes.ts'
import { eventually } from '../testing/waiting.ts'
import { listen } from './listen.ts'

const CYCLES = 10

/** Each is repeated and must leave no descriptor, watch, timer or connection. */
const CYCLE: Record<string, (path: string) => Promise<unknown>> = {
  'a start and a close': async (path) => (await greet(path, 'ok')).close(),
  'a close after HTTP requests': async (path) => {
    const listener = await greetHttp(path, 'ok')
    await request(listener.endpoint)
    await listener.close()
  },
  'a close that cuts a connection': async (path) => {
    const listener = await listen(createServer(), { kind: 'unix', path }, { drainMs: 0 })
    const client = await dial(listener.endpoint)
    await listener.close()
    client.destroy()
  },
  'a close after publishing again': async (path) => {
    const listener = await greet(path, 'ok')
    const republished = nextEvent(listener, 'republished')
    await unlink(path)
    await republished
    assert.equal(await readAll(listener.endpoint), 'ok')
    await listener.close()
  },
  'a takeover': async (path) => {
    const incumbent = await greet(path, 'old', { onConflict: 'takeover' })
    const successor = await greet(path, 'new', { onConflict: 'takeover' })
    await incumbent.closed
    await successor.close()
  },
  'a start that is refused': async (path) => {
    const owner = await greet(path, 'ok')
    await rejection(greet(path, ''))
    await owner.close()
  },
  'a start at an occupied path': async (path) => {
    await mkdir(path, { recursive: true })
    await rejection(greet(path, ''))
  },
  'a start with a lock file that cannot be used': async (path) => {
    await writeFile(`${path}.lock`, '4711\n')
    await rejection(greet(path, ''))
  },
}

describe('nothing is left behind', () => {
  for (const [what, cycle] of Object.entries(CYCLE)) {
    it(`after ${what}, ${CYCLES} times: no descriptor, watch, timer or socket`, async () => {
      await using directory = await tempDirectory()
      await cycle(directory.at('s'))
      const before = holdings()
      for (let round = 0; round < CYCLES; round++) await cycle(directory.at('s'))
      await eventually(
        'the same holdings as before',
        () => JSON.stringify(holdings()) === JSON.stringify(before),
      )
      assert.deepEqual(
        (await namesIn(directory.path)).filter((name) => name.startsWith('.')),
        [],
      )
    })
  }

  it('of sockets that were deleted while the listener runs: no descriptors', async () => {
    await using directory = await tempDirectory()
    await using listener = await greet(directory.at('s'), 'ok')
    const deleteOnce = async () => {
      const republished = nextEvent(listener, 'republished')
      await unlink(directory.at('s'))
      await republished
    }
    await deleteOnce()
    const before = holdings().descriptors
    for (let round = 0; round < CYCLES; round++) await deleteOnce()
    await eventually('no more descriptors than before', () => holdings().descriptors <= before)
    assert.equal(await readAll(listener.endpoint), 'ok')
  })

  it('by a listener with watch false, even while it runs: no watch', async () => {
    await using directory = await tempDirectory()
    const before = holdings().watches
    await using _listener = await greet(directory.at('s'), 'ok', { watch: false })
    assert.equal(holdings().watches, before)
    await using _watched = await greet(directory.at('t'), 'ok')
    assert.equal(holdings().watches, before + 1)
  })

  it('after close, so that the process ends by itself with 0', async () => {
    await using directory = await tempDirectory()
    await using child = await startListening({ endpoint: `unix:${directory.at('s')}` })
    createConnection(directory.at('s'))
      .on('error', () => undefined)
      .resume()
    child.send('close')
    assert.equal(await child.ended(), 0)
  })

  it('of starts that crashed while staging, once the next has begun', async () => {
    await using directory = await tempDirectory()
    const [staging, foreign] = await crashedStaging(directory.path)
    await using _listener = await greet(directory.at('s'), 'ok')
    const names = await namesIn(directory.path)
    assert.equal(names.includes(staging), false)
    assert.equal(names.includes(foreign), true)
  })
})

/** A staging directory as a crash leaves it, and one that only looks so: it has something else in it. */
async function crashedStaging(directory: string): Promise<[string, string]> {
  const server = createServer()
  const name = new Promise<string>((resolve) => {
    server.once('listening', () => resolve(String(server.address()).split('/').at(-2) ?? ''))
  })
  const listener = await listen(server, { kind: 'unix', path: `${directory}/s` })
  await listener.close()
  const staging = await name
  const foreign = `${staging.slice(0, -4)}zzzz`
  await mkdir(`${directory}/${staging}`, 0o700)
  await mkdir(`${directory}/${foreign}`, 0o700)
  await writeFile(`${directory}/${foreign}/precious`, '')
  return [staging, foreign]
}

interface Holdings {
  readonly descriptors: number
  /** Directories that inotify(7) watches for this process. */
  readonly watches: number
  /** What keeps the event loop alive, such as timers and sockets, by type. */
  readonly resources: Record<string, number>
}

/** What this process holds now, to compare before and after. Linux only. */
function holdings(): Holdings {
  const links = descriptorLinks()
  const inotify = links.filter(([, target]) => target === 'anon_inode:inotify')
  return {
    descriptors: links.length,
    watches: inotify.reduce((sum, [fd]) => sum + watchesOf(fd), 0),
    resources: count(process.getActiveResourcesInfo()),
  }
}

function count(names: string[]): Record<string, number> {
  const groups = Object.entries(Object.groupBy(names, (name) => name))
  return Object.fromEntries(groups.map(([name, all = []]) => [name, all.length]))
}

function descriptorLinks(): [fd: string, target: string][] {
  const links: [string, string][] = []
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      links.push([fd, readlinkSync(`/proc/self/fd/${fd}`)])
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // the descriptor that readdir used
    }
  }
  return links
}

function watchesOf(fd: string): number {
  return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd:/gm)?.length ?? 0
}
