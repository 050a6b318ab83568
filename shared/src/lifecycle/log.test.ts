import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { describe, it } from 'node:test'

const LOG = new URL('./log.ts', import.meta.url).href
const PROGRAM = `import { createLog } from ${JSON.stringify(LOG)}
const log = createLog('test', 'info')
log.info({ n: 1 }, 'one')
setTimeout(() => {
  log.warn('two')
  process.stderr.write('still here')
}, 50)`

function run(stdout: number | 'pipe') {
  const args = ['--input-type=module', '--eval', PROGRAM]
  return spawnSync(process.execPath, args, {
    stdio: ['ignore', stdout, 'pipe'],
    encoding: 'utf8',
    timeout: 20_000,
  })
}

describe('a log', () => {
  it('is one JSON object a line', () => {
    const { stdout } = run('pipe')
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      lines.map(({ level, service, msg, n }) => [level, service, msg, n]),
      [
        ['info', 'test', 'one', 1],
        ['warn', 'test', 'two', undefined],
      ],
    )
  })

  it('on a full disk, loses its lines, and the program goes on', () => {
    const full = openSync('/dev/full', 'w')
    const { status, signal, stderr } = run(full)
    closeSync(full)
    assert.deepEqual([status, signal, stderr], [0, null, 'still here'])
  })
})
