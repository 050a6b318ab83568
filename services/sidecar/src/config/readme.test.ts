import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { droppedFieldsTable } from '../http1/dropped-fields.ts'
import { METRICS } from '../observe/metric-table.ts'
import { boundsTable } from './bounds-table.ts'
import { parseFile } from './parse-file.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

describe('README.md of the sidecar', () => {
  it('has the table of bounds that --bounds prints', () => {
    assert.ok(
      README.includes(boundsTable()),
      'put in the output of: node services/sidecar/src/main.ts --bounds',
    )
  })

  it('has the table of fields that are not forwarded', () => {
    assert.ok(README.includes(droppedFieldsTable()), 'put in what droppedFieldsTable() returns')
  })

  it('names every metric', () => {
    const names = [
      ...METRICS.map(({ name }) => name),
      'sidecar_request_duration_seconds',
      'sidecar_build_info',
    ]
    assert.deepEqual(
      names.filter((name) => !README.includes(`\`${name}`)),
      [],
    )
  })

  it('shows a configuration that is good', () => {
    const [yaml = ''] = /(?<=```yaml\n).*?(?=```)/s.exec(README) ?? []
    assert.equal(parseFile(yaml, 'README.md').routes.length, 2)
  })
})
