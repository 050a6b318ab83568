import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Started } from './started.ts'
import { usageOf } from './usage.ts'

/** Uses 100 ms of processor itself, and 300 in a child that ends; then waits. */
const BUSY = `
const spin = (us) => 'const until = process.cpuUsage().user + ' + us + '; while (process.cpuUsage().user < until);'
eval(spin(100_000))
require('node:child_process').spawnSync(process.execPath, ['-e', spin(300_000)])
setInterval(() => {}, 1_000)
`

describe('usageOf a session', () => {
  it('counts the processor time of its processes and of those that have ended, and its memory', async () => {
    await using started = new Started([process.execPath, '-e', BUSY], 0)
    const deadline = performance.now() + 20_000
    while (usageOf(started.pid).cpuUs < 400_000 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20))
    const { cpuUs, rssBytes } = usageOf(started.pid)
    assert.ok(cpuUs >= 400_000, `${cpuUs} µs`)
    assert.ok(rssBytes > 10 * 2 ** 20, `${rssBytes} bytes`)
  })

  it('that there is not is nothing', () => assert.deepEqual(usageOf(4_194_305), { cpuUs: 0, rssBytes: 0 }))
})
