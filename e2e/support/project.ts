import { basename, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { projectPrefix } from './run-id.ts'

export const REPOSITORY = resolve(import.meta.dirname, '../..')

/** Port 0 lets the engine choose, so that stacks run side by side. Another one is chosen at each start. */
export const PUBLISH_ANYWHERE = {
  PUBLISH_METRICS: '0',
  PUBLISH_API: '0',
  PUBLISH_ECHO: '0',
  PUBLISH_OPS: '0',
  PUBLISH_PROMETHEUS: '0',
} as const

let count = 0

/** A name for one more Compose project of this run, which tells the test file that it is for. */
export function newProject(t: TestContext): string {
  count += 1
  return `${projectPrefix()}${basename(t.filePath ?? 'test').replace(/\..*/, '')}-${count}`
}
