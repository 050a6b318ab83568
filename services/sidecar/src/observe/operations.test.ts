import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { Identities } from '../identity/identities.ts'
import { History } from './history.ts'
import { Operations } from './operations.ts'
import { Reloads } from './reloads.ts'

it('a defect of the operations port costs one response and is logged', async () => {
  const defect = new Error('a defect')
  const logged: unknown[] = []
  const log = createLog('test', 'error')
  log.error = (fields: object, message?: string) => void logged.push(fields, message)
  const operations = new Operations(
    {
      routes: () => [],
      isDraining: () => {
        throw defect
      },
      descriptors: () => ({ limit: null, needed: 0 }),
      opsTls: () => null,
      opsAccess: () => null,
      credentials: () => [],
      clients: () => [],
      history: new History(() => []),
      reloads: new Reloads(),
      build: { version: 'test', revision: 'test' },
    },
    {
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      access: { hosts: [], for: undefined, clients: [] },
      identities: new Identities(log),
    },
    log,
  )
  const server = createServer((socket) => operations.accept(socket))
  await using listener = await listen(server, { kind: 'tcp', host: '127.0.0.1', port: 0 }, { drainMs: 0 })
  assert.equal((await request(listener.endpoint, { path: '/-/ready' })).status, 500)
  assert.deepEqual(logged, [{ err: defect, path: '/-/ready' }, 'the operations port failed to respond'])
  assert.equal((await request(listener.endpoint, { path: '/-/healthy' })).status, 200)
})
