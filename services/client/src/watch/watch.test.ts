import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rename, rm } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { PLAIN_ACCESS } from '../access/access.ts'
import { loadConfig } from '../config.ts'
import { palette } from '../output/text.ts'
import { type SmallStack, startSmallStack } from '../testing/small-stack.ts'
import { newsLines, newsObjects, Screen, summary, type Watched, watch } from './watch.ts'

const plain = palette(new PassThrough(), {})

/** Watches until `done`, and runs one of `acts` after each round. Returns all rounds. */
async function watchWhile(
  stack: SmallStack,
  acts: (() => Promise<unknown>)[],
  done: (round: Watched[]) => boolean,
) {
  const stop = new AbortController()
  const rounds: Watched[][] = []
  for await (const round of watch(loadConfig(stack.env), PLAIN_ACCESS, {
    intervalMs: 50,
    signal: stop.signal,
  })) {
    rounds.push(round)
    if (done(round)) stop.abort()
    await acts.shift()?.()
  }
  return rounds
}

const named = (round: Watched[] | undefined, name: string) => round?.find((one) => one.name === name)

describe('watch', () => {
  it('reports a removed socket, and the state before', async () => {
    await using stack = await startSmallStack()
    const gone = (round: Watched[]) => named(round, 'echo')?.track.state === 'socket_missing'
    const rounds = await watchWhile(stack, [() => rm(`${stack.directory}/echo.sock`)], gone)
    const echo = named(rounds.at(-1), 'echo')
    const [news] = echo === undefined ? [] : newsObjects(echo, 'now')
    assert.partialDeepStrictEqual(news, { event: 'state', name: 'echo', state: 'socket_missing', was: 'up' })
    assert.deepEqual(echo?.track.errors, { socket_missing: 1 })
  })

  it('reports a takeover: another socket at the path while it responds', async () => {
    await using stack = await startSmallStack()
    await using successor = stack.app.api()
    const takeOver = async () => {
      await once(successor.listen(`${stack.directory}/next.sock`), 'listening')
      await rename(`${stack.directory}/next.sock`, `${stack.directory}/api.sock`)
    }
    const replaced = (round: Watched[]) => named(round, 'api')?.track.generation === 2
    const rounds = await watchWhile(stack, [takeOver], replaced)
    const api = named(rounds.at(-1), 'api')
    const line = api === undefined ? [] : newsLines(api, 'now', plain)
    assert.match(
      line[0] ?? '',
      /^now api unix:\S+api.sock up, another socket \(generation 2\) without a gap$/,
    )
  })

  it('shows every target in a table', async () => {
    await using stack = await startSmallStack()
    const [round = []] = await watchWhile(stack, [], () => true)
    const lines = summary(round, Date.now(), plain)
    assert.match(lines, /^api +up +0\.\d s +\d+\.\d\d +\d+\.\d\d +1 +- +unix:/m)
    assert.equal(lines.split('\n').length, 1 + 7)
  })
})

it('Screen redraws in place, in the width of the terminal', async () => {
  const stdout = Object.assign(new PassThrough(), { columns: 5 })
  const screen = new Screen(stdout)
  screen.draw('one\ntwo')
  screen.draw('three and more')
  stdout.end()
  assert.equal(await text(stdout), 'one\ntwo\n\u001b[2A\u001b[Jthre…\n')
})
