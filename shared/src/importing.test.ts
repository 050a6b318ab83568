import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { pathToFileURL } from 'node:url'

const MODULES = globSync('**/*.ts', { cwd: import.meta.dirname })
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => pathToFileURL(join(import.meta.dirname, file)).href)

/** What a module could begin: a timer, a server, a child, a signal handler. */
const PROGRAM = `
void [process.stdin, process.stdout, process.stderr] // opened on first use, and pino uses them when it is imported
const held = () => JSON.stringify([process.getActiveResourcesInfo(), process.eventNames().map(String)])
const before = held()
for (const module of ${JSON.stringify(MODULES)}) await import(module)
const after = held()
if (after !== before) console.log(before, after)`

it('importing any module of shared does nothing', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    encoding: 'utf8',
  })
  assert.deepEqual({ stdout, stderr, status }, { stdout: '', stderr: '', status: 0 })
  assert.ok(MODULES.length > 40)
})
