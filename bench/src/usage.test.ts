import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Started } from './processes.ts'
import { usageOf } from './usage.ts'

/** Uses 100 ms of CPU time itself and 300 ms in a child that ends, then waits. */
const BUSY = `
const spin = (us) => 'const until = process.cpuUsage().user + ' + us + '; while (process.cpuUsage().user < until);'
eval(spin(100_000))
require('node:child_process').spawnSync(process.execPath, ['-e', spin(300_000)])
setInterval(() => {}, 1_000)
`

describe('usageOf', () => {
  it('counts the CPU time of running and ended processes, and memory', async () => {
    await using started = new Started([process.execPath, '-e', BUSY], 0)
    const deadline = performance.now() + 20_000
    while (usageOf(started.pid).cpuUs < 400_000 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20))
    const { cpuUs, rssBytes } = usageOf(started.pid)
    assert.ok(cpuUs >= 400_000, `${cpuUs} µs`)
    assert.ok(rssBytes > 10 * 2 ** 20, `${rssBytes} bytes`)
  })

  it('is zero for a session that does not exist', () =>
    assert.deepEqual(usageOf(4_194_305), { cpuUs: 0, rssBytes: 0 }))
})
