import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { it } from 'node:test'
import { dial } from '../dial/dial.ts'
import type { Failure } from '../failure/failure.ts'
import { listen } from './listen.ts'

it('a listener without a descriptor for a connection emits acceptFailed once, and accepts the next', async () => {
  const accepted = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy()).end()
    accepted.resolve()
  })
  await using listener = await listen(server, { kind: 'tcp', host: '127.0.0.1', port: 0 }, { drainMs: 0 })
  const emitted: Failure[] = []
  listener.on('acceptFailed', (failure) => emitted.push(failure))
  const error = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })
  for (let i = 0; i < 3; i++) server.emit('error', error) // as node:net does when accept(2) fails
  assert.deepEqual(
    emitted.map(({ code, errno }) => [code, errno]),
    [['overloaded', 'EMFILE']],
  )
  const client = await dial(listener.endpoint)
  client.on('error', () => client.destroy()).end()
  await accepted.promise
})
