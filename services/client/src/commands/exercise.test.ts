import assert from 'node:assert/strict'
import { chmod, rm } from 'node:fs/promises'
import { describe, it } from 'node:test'
import type { Outcome } from '../exercise/check.ts'
import { callClient } from '../testing/call-client.ts'
import { startSmallStack } from '../testing/small-stack.ts'

interface Report {
  readonly checks: readonly Outcome[]
  readonly tally: Record<Outcome['result'], number>
}

async function exercise(env: Readonly<Record<string, string>>, ...args: string[]) {
  const { exitCode, stdout } = await callClient(['exercise', '--json', ...args], { env })
  return { exitCode, ...(JSON.parse(stdout) as Report) }
}

const differing = ({ checks }: Report) =>
  checks.filter(({ result }) => result === 'differs').map(({ row, observed }) => `${row} ${observed}`)

describe('exercise', () => {
  it('against a correct stack finds no difference', async () => {
    await using stack = await startSmallStack()
    const report = await exercise(stack.env)
    assert.deepEqual(differing(report), [])
    assert.equal(report.exitCode, 0)
    assert.equal(report.tally.ok + report.tally['not shown'], report.checks.length)
  })

  it('against a stack whose Redis is down unexpectedly differs', async () => {
    await using stack = await startSmallStack()
    stack.app.redis = 'down'
    const report = await exercise(stack.env)
    assert.equal(report.exitCode, 69)
    assert.deepEqual(differing(report), ['S6 redis_down', 'S6 redis_down', 'S8 redis down', 'S8 redis down'])
  })

  it('against a stack whose Redis is down on purpose expects the problem body', async () => {
    await using stack = await startSmallStack()
    stack.app.redis = 'down'
    const report = await exercise(stack.env, '--expect-redis', 'down')
    assert.deepEqual(differing(report), [])
  })

  it('against an admin socket with another mode differs', async () => {
    await using stack = await startSmallStack()
    await chmod(`${stack.directory}/admin.sock`, 0o666)
    assert.deepEqual(differing(await exercise(stack.env)), ['S4 0666'])
  })

  it('against a stack without its api socket shows the code, and continues', async () => {
    await using stack = await startSmallStack()
    await rm(`${stack.directory}/api.sock`)
    const report = await exercise(stack.env)
    assert.ok(differing(report).includes('S1 socket_missing'))
    assert.ok(report.checks.some(({ row, result }) => row === 'S3' && result === 'ok'))
  })

  it('in text marks each row and ends with the count', async () => {
    await using stack = await startSmallStack()
    const { stdout } = await callClient(['exercise'], { env: stack.env })
    assert.match(stdout, /^S3 +send "ping" +unix:\S+echo.sock +echo: ping +echo: ping +✓ ok$/m)
    assert.match(stdout, /^as expected: \d+ ok, 0 differ, \d+ not shown here$/m)
  })
})
