import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { linesOf } from './echo/lines-of.ts'
import { runClient, startClient } from './test-stack/run-client.ts'
import { startSmallStack } from './test-stack/small-stack.ts'

describe('the client as a process', () => {
  it('ends quietly when the reader of its output has enough', async () => {
    await using stack = await startSmallStack()
    const child = startClient(['visit', '-n', '100000'], { env: stack.env })
    for await (const _line of linesOf(child.stdout)) break
    child.stdout.destroy()
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  it('echo copies stdin that is larger than any buffer', async () => {
    await using stack = await startSmallStack()
    const input = 'a line of thirty-two characters\n'.repeat(20_000)
    const { exitCode, stdout } = await runClient(['echo'], { env: stack.env, input })
    assert.equal(exitCode, 0)
    assert.equal(stdout, input.replaceAll(/^(?=.)/gm, 'echo: '))
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`watch says what changes and ends with 0 at ${signal}`, async () => {
      await using stack = await startSmallStack()
      const child = startClient(['watch', '--interval-ms', '50', '--json'], { env: stack.env })
      const states = await statesUntilMissing(child.stdout, () => rm(`${stack.directory}/echo.sock`))
      assert.deepEqual(states.at(-1), { name: 'echo', state: 'socket_missing', was: 'up' })
      child.kill(signal)
      assert.deepEqual(await once(child, 'exit'), [0, null])
    })
})

async function statesUntilMissing(output: Readable, remove: () => Promise<void>) {
  const states: { name: string; state: string; was?: string }[] = []
  for await (const line of linesOf(output)) {
    const { name, state, was } = JSON.parse(line)
    states.push({ name, state, was })
    if (states.length === 7) await remove()
    if (state === 'socket_missing') break
  }
  return states
}

describe('the exercise as another user than the owner of the sockets', () => {
  const root = process.getuid?.() === 0

  it(`shows the refusals${root ? '' : ' only as root, who alone can become another user, and says so'}`, async () => {
    await using stack = await startSmallStack()
    const nobody = root ? { uid: 65_534, gid: 65_534 } : {}
    const { stdout } = await runClient(['exercise', '--json'], { env: stack.env, ...nobody })
    const refusals = JSON.parse(stdout).checks.filter(({ what }: { what: string }) =>
      what.startsWith('connect:'),
    )
    assert.equal(refusals.length, 2)
    for (const { result, observed, note } of refusals)
      if (root) assert.deepEqual({ result, observed }, { result: 'ok', observed: 'socket_denied (EACCES)' })
      else assert.match(`${result}: ${note}`, /^not shown: nothing to refuse here: uid \d+ owns it/)
  })
})
