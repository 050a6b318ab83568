import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { droppedFieldsTable } from '../http1/dropped-fields.ts'
import { HISTOGRAMS } from '../observe/exposition.ts'
import { METRICS, TLS_METRICS } from '../observe/metric-table.ts'
import { boundsTable } from './bound-text.ts'
import { HTTP_LIMITS, HTTP_TIMEOUTS } from './bounds.ts'
import { jsonSchema } from './json-schema.ts'
import { parseFile } from './parse-file.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const SCHEMA = readFileSync(new URL('../../sidecar.schema.json', import.meta.url), 'utf8')

describe('README.md of the sidecar', () => {
  it('contains the table of bounds', () => {
    const how = 'replace it with the output of: node services/sidecar/src/main.ts --bounds'
    assert.ok(README.includes(boundsTable()), how)
  })

  it('contains the table of fields that are not forwarded', () => {
    assert.ok(README.includes(droppedFieldsTable()), 'replace it with the result of droppedFieldsTable()')
  })

  it('names every metric', () => {
    const names = [
      ...METRICS.map(({ name }) => name),
      ...TLS_METRICS.map(({ name }) => name),
      ...HISTOGRAMS.map(({ name }) => name),
      'sidecar_build_info',
    ]
    assert.deepEqual(
      names.filter((name) => !README.includes(`\`${name}`)),
      [],
    )
  })

  it('shows valid configurations', () => {
    const examples = README.match(/(?<=```yaml\n)(?:ops|clients|routes):.*?(?=```)/gs) ?? []
    assert.ok(examples.length >= 5)
    for (const example of examples) assert.ok(parseFile(example, 'README.md').routes.length > 0)
  })
})

describe('sidecar.schema.json', () => {
  it('is the output of --schema', () => {
    assert.deepEqual(JSON.parse(SCHEMA), JSON.parse(JSON.stringify(jsonSchema())))
  })

  it('has every bound of an HTTP route, with its default', () => {
    // biome-ignore lint/suspicious/noExplicitAny: a walk through JSON
    const { limits, timeouts } = (jsonSchema() as any).properties.routes.items.oneOf[0].properties
    assert.deepEqual(Object.keys(timeouts.properties), Object.keys(HTTP_TIMEOUTS))
    assert.deepEqual(Object.keys(limits.properties), Object.keys(HTTP_LIMITS))
    assert.equal(limits.properties.headBytes.default, '16KiB')
    assert.equal(timeouts.properties.connect.default, '1s')
  })
})
