import assert from 'node:assert/strict'
import { it } from 'node:test'
import { keyValues } from './text.ts'

it('keyValues shows scalars as lines and lists of objects as tables', () => {
  const text = keyValues({
    name: 'app',
    redis: null,
    sockets: [{ name: 'api', mode: '0660' }, { name: 'tcp' }],
  })
  assert.equal(
    text,
    ['name   app', 'redis  -', 'sockets', '  name  mode', '  api   0660', '  tcp   -'].join('\n'),
  )
})
