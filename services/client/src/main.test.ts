import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { linesOf } from './echo/dialogue.ts'
import { runClient, startClient } from './testing/run-client.ts'
import { startSmallStack } from './testing/small-stack.ts'

describe('the client as a process', () => {
  it('ends quietly when the reader closes its output', async () => {
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
    it(`ends with 0 when watch gets ${signal}, with a summary`, async () => {
      await using stack = await startSmallStack()
      const child = startClient(['watch', '--interval-ms', '50'], { env: stack.env })
      const lines = linesOf(child.stdout)
      await lines.next()
      child.kill(signal)
      const [[exitCode], rest] = await Promise.all([once(child, 'exit'), allOf(lines)])
      assert.equal(exitCode, 0)
      assert.match(rest.join('\n'), /^api +up +\d/m)
    })
})

async function allOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

describe('the exercise as a user who does not own the sockets', () => {
  const root = process.getuid?.() === 0

  it(`shows the refusals${root ? '' : ' only as root, because only root can become another user'}`, async () => {
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
