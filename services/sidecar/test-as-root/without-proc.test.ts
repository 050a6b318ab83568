import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { TcpEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { Conversation } from '../src/testing/conversation.ts'
import { sidecarProcess } from '../src/testing/sidecar-process.ts'

const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'
const LIMIT = 1_024

assert.equal(process.geteuid?.(), 0, 'this test hides /proc: run it as root (npm run test:root)')

it('a sidecar without /proc explains a failed dial, and still knows its descriptor limit', async () => {
  await using run = await tempDirectory()
  const env = {
    SIDECAR_LISTEN: 'tcp://127.0.0.1:0',
    SIDECAR_UPSTREAM: `unix:${run.path}/u`,
    SIDECAR_OPS: 'tcp://127.0.0.1:0',
  }
  await using sidecar = sidecarProcess(env, { descriptors: LIMIT, withoutProc: true })
  using client = new Conversation(await sidecar.port('main'))
  await client.send(GET).hears('"socket_missing"')
  const endpoint: TcpEndpoint = { kind: 'tcp', host: '127.0.0.1', port: await sidecar.port('ops') }
  assert.equal((await request(endpoint, { path: '/metrics' })).status, 200)
  const { body } = await request(endpoint, { path: '/routes' })
  assert.equal(JSON.parse(`${body}`).process.descriptors.limit, LIMIT)
})
