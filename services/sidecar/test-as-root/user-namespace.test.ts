import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, chown } from 'node:fs/promises'
import { createServer } from 'node:net'
import { it } from 'node:test'
import type { TcpEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { GROUP, inUserNamespace, OWNER, requireRoot } from '@uds-sidecar/shared/testing/users'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from '../src/testing/conversation.ts'
import { type SidecarProcessOptions, sidecarProcess } from '../src/testing/sidecar-process.ts'

const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'

requireRoot()

it('a sidecar in a user namespace says that the owner of the socket is not mapped, and how to mend it', async () => {
  const hint = await hintOf(inUserNamespace())
  assert.match(
    hint,
    /^start this service with `podman run --group-add keep-groups`, as a user who is in its group/,
  )
  assert.match(hint, /or map its uid and gid with `podman run --uidmap="\+uUID:@UID" --gidmap="\+gGID:@GID"`/)
  assert.match(
    hint,
    /its uid and gid are not mapped in this user namespace \(\/proc\/self\/uid_map has 0 0 1;/,
  )
  assert.match(hint, /CAP_DAC_OVERRIDE does not count for it; this process is uid 0 with group 0\)$/)
})

it('a sidecar in a user namespace without /proc still explains the failure', async () => {
  const hint = await hintOf({ ...inUserNamespace(), withoutProc: true })
  assert.match(hint, /is 0660, owner 65534:65534; this process is uid 0 with group 0\)$/)
})

/** What a sidecar that is started like this says to do about a socket of OWNER and GROUP, mode 0660. */
async function hintOf(start: SidecarProcessOptions): Promise<string> {
  await using run = await tempDirectory()
  await chmod(run.path, 0o755)
  await using server = createServer((socket) => socket.destroy())
  await once(server.listen(run.at('u')), 'listening')
  await chown(run.at('u'), OWNER, GROUP)
  await chmod(run.at('u'), 0o660)
  const env = {
    SIDECAR_LISTEN: 'tcp://127.0.0.1:0',
    SIDECAR_UPSTREAM: `unix:${run.at('u')}`,
    SIDECAR_OPS: 'tcp://127.0.0.1:0',
  }
  await using sidecar = sidecarProcess(env, start)
  using client = new Conversation(await sidecar.port('main'))
  await client.send(GET).hears('"socket_denied"')
  const endpoint: TcpEndpoint = { kind: 'tcp', host: '127.0.0.1', port: await sidecar.port('ops') }
  return await eventually('the permissions to be inspected', async () => {
    const { body } = await request(endpoint, { path: '/routes' })
    const hint: string = JSON.parse(`${body}`).routes[0].lastError.hint
    return hint.includes('this process is') && hint
  })
}
