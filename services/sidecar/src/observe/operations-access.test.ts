import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BEARER, type ClientStack, clientStack, OTHER_BEARER, WRONG_BEARER } from '../testing/clients.ts'
import { Conversation } from '../testing/conversation.ts'
import { opsPortOf } from '../testing/sidecar-with.ts'

const OPS = 'ops: {listen: "tcp://127.0.0.1:0", for: [prometheus], hosts: [sidecar]},'

async function ask({ sidecar }: ClientStack, line: string, fields = 'Host: localhost\r\n'): Promise<string> {
  using client = new Conversation(opsPortOf(sidecar))
  return await client.send(`${line} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`).toItsEnd()
}

const HOST = 'Host: localhost\r\n'

describe('an operations port with for', () => {
  it('shows its pages to these clients alone', async () => {
    await using stack = await clientStack('allow: [GET /a for grafana]', { more: OPS })
    for (const path of ['/', '/metrics', '/routes', '/nowhere']) {
      const anonymous = await ask(stack, `GET ${path}`)
      assert.match(
        anonymous,
        /^HTTP\/1.1 401 .*www-authenticate: Bearer realm="ops"\r\n.*"unauthenticated"/is,
        path,
      )
      assert.match(anonymous, /content-type: application\/problem\+json/i)
      assert.match(await ask(stack, `GET ${path}`, HOST + WRONG_BEARER), /^HTTP\/1.1 401 .*bad_credentials/s)
    }
    assert.match(await ask(stack, 'GET /metrics', HOST + BEARER), /^HTTP\/1.1 200 /)
    assert.match(await ask(stack, 'GET /metrics', HOST + OTHER_BEARER), /^HTTP\/1.1 401 /)
    assert.match(await ask(stack, 'GET /metrics', HOST + BEARER + BEARER), /^HTTP\/1.1 400 .*bad_request/s)
    for (let count = 0; count < 10; count++) await ask(stack, 'GET /', HOST + WRONG_BEARER)
    assert.match(await ask(stack, 'GET /', HOST + WRONG_BEARER), /^HTTP\/1.1 429 .*retry-after: 60\r\n/is)
    assert.match(await ask(stack, 'GET /', HOST + BEARER), /^HTTP\/1.1 200 /)
  })

  it('tells probes the status without asking who they are, and clients the reasons', async () => {
    await using stack = await clientStack('allow: [GET /a]', { more: OPS })
    await stack.server[Symbol.asyncDispose]()
    assert.match(await ask(stack, 'GET /-/healthy'), /^HTTP\/1.1 200 /)
    const ready = await ask(stack, 'GET /-/ready')
    assert.match(ready, /^HTTP\/1.1 503 .*"ready": false/s)
    assert.doesNotMatch(ready, /down|web/)
    assert.match(await ask(stack, 'GET /-/ready?route=web'), /^HTTP\/1.1 503 /)
    const unknown = await ask(stack, 'GET /-/ready?route=nothing')
    assert.match(unknown, /^HTTP\/1.1 404 .*"ready": false/s)
    assert.doesNotMatch(unknown, /web/)
    assert.match(await ask(stack, 'GET /-/ready?route=nothing', HOST + BEARER), /"web"/)
    assert.match(await ask(stack, 'GET /-/ready', HOST + BEARER), /"down".*"web"/s)
    assert.doesNotMatch(await ask(stack, 'GET /-/ready', HOST + WRONG_BEARER), /"down"/)
  })

  it('shows who the clients are and the state of their files, and no secret', async () => {
    await using stack = await clientStack('allow: [GET /a for grafana me2]'.replace(' me2', ''), {
      more: OPS,
    })
    const page = await ask(stack, 'GET /routes', HOST + BEARER)
    const { ops, routes } = JSON.parse(page.slice(page.indexOf('{')))
    assert.equal(ops.clients[0].name, 'prometheus')
    assert.deepEqual(ops.hosts, ['sidecar'])
    assert.deepEqual([routes[0].allow, routes[0].clients[0].name], [['GET /a for grafana'], 'grafana'])
    assert.equal(routes[0].clients[0].file, stack.directory.at('htpasswd'))
    assert.equal(routes[0].clients[0].lastError, null)
    assert.doesNotMatch(page, /a-token-of|\$2b\$/)
    const metrics = await ask(stack, 'GET /metrics', HOST + BEARER)
    assert.match(metrics, /^sidecar_client_requests_total\{route="web",client="grafana"\} 0$/m)
    assert.match(metrics, /^sidecar_client_requests_total\{route="web",client="anonymous"\} 0$/m)
    assert.match(metrics, /^sidecar_credentials_last_reload_successful\{client="grafana"\} 1$/m)
    assert.match(metrics, /^sidecar_credentials_reload_failures_total\{client="prometheus"\} 0$/m)
  })
})

describe('an operations port on TCP', () => {
  it('serves IP addresses, localhost and its hosts, and no other name', async () => {
    await using stack = await clientStack('allow: [GET /a]', {
      more: 'ops: {listen: "tcp://127.0.0.1:0", hosts: [sidecar]},',
    })
    for (const host of ['127.0.0.1:1', '[::1]', 'localhost:9', 'LOCALHOST.', 'sidecar:9901'])
      assert.match(await ask(stack, 'GET /-/healthy', `Host: ${host}\r\n`), /^HTTP\/1.1 200 /, host)
    for (const host of ['evil.example', 'localhost.evil.example', '', 'sidecar.example', 'a@localhost'])
      assert.match(
        await ask(stack, 'GET /-/healthy', `Host: ${host}\r\n`),
        /^HTTP\/1.1 421 .*wrong_host/s,
        host,
      )
    assert.match(await ask(stack, 'GET http://evil.example/-/healthy'), /^HTTP\/1.1 421 /)
    assert.match(await ask(stack, 'GET http://localhost/-/healthy'), /^HTTP\/1.1 200 /)
    assert.match(await ask(stack, 'GET /-/healthy', `${HOST}Host: evil.example\r\n`), /^HTTP\/1.1 400 /)
  })
})
