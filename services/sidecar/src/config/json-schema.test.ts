import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { HTTP_LIMITS, HTTP_TIMEOUTS } from './bounds.ts'
import { jsonSchema } from './json-schema.ts'

const FILE = new URL('../../sidecar.schema.json', import.meta.url)

it('sidecar.schema.json is what --schema prints', () => {
  assert.deepEqual(JSON.parse(readFileSync(FILE, 'utf8')), JSON.parse(JSON.stringify(jsonSchema())))
})

it('the schema has every bound of an HTTP route with its default', () => {
  // biome-ignore lint/suspicious/noExplicitAny: a walk through JSON
  const { limits, timeouts } = (jsonSchema() as any).properties.routes.items.oneOf[0].properties
  assert.deepEqual(Object.keys(timeouts.properties), Object.keys(HTTP_TIMEOUTS))
  assert.deepEqual(Object.keys(limits.properties), Object.keys(HTTP_LIMITS))
  assert.equal(limits.properties.headBytes.default, '16KiB')
  assert.equal(timeouts.properties.connect.default, '1s')
})
