// A container without a network reaches exactly two names, each in one way: the example of examples/agent. Nothing else is
// reached: not by address, by another name of the same host, by a fronted name, in other spellings of an address, nor the
// sidecar's own ports and its gateway.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { certificatesFor } from './support/certificates.ts'
import { dialFrom, getFrom } from './support/connections.ts'
import type { Insider } from './support/inside.ts'
import { ownStack } from './support/stack.ts'
import { tunnelFrom } from './support/tunnels.ts'

const REGISTRY = 'registry.npmjs.org'
const API = 'api.github.com'
const API_SOCKET = 'unix:/run/out/api.sock'
const PROXY_SOCKET = '/run/out/proxy.sock'

test('an agent reaches two names', async (t) => {
  await using pki = await certificatesFor(REGISTRY, API)
  const stack = await ownStack(t, {
    file: 'examples/agent/compose.yaml',
    overlays: ['agent-without-internet'],
    env: { AGENT_PKI: pki.path },
  })
  const agent = stack.service('agent')
  const { NetworkSettings } = await stack.service('internet').inspect()
  const [world] = Object.values(NetworkSettings.Networks)
  assert(world !== undefined)

  await t.test('the registry, by any HTTPS client with a proxy', async () => {
    await eventuallyPasses(async () =>
      assert.equal(await fetchFrom(agent, `https://${REGISTRY}/left-pad`), `200 ${REGISTRY} /left-pad`),
    )
  })

  await t.test('the API, by method and path', async () => {
    assert.equal(await getFrom(agent, API_SOCKET, '/zen'), `200 ${API} /zen`)
    assert.match(await getFrom(agent, API_SOCKET, '/user'), /^403 .*path_not_allowed/)
  })

  await t.test('neither in the way of the other', async () => {
    assert.match(await fetchFrom(agent, `https://${API}/zen`), /^failed/)
    assert.match(await getFrom(agent, API_SOCKET, `https://${REGISTRY}/left-pad`), /^40[03] /)
  })

  const address = world.IPAddress
  const number = address.split('.').reduce((all, part) => all * 256 + Number(part), 0)
  for (const authority of [
    `${address}:443`,
    `${number}:443`,
    `0x${number.toString(16)}:443`,
    `[::ffff:${address}]:443`,
    `[64:ff9b::${address}]:443`,
    'internet:443',
    `${REGISTRY}.:443`,
    `${REGISTRY.toUpperCase()}:443`,
    `${REGISTRY}:80`,
    `${API}:443`,
    'out:9901',
    'localhost:9901',
    '127.0.0.1:9901',
    `${world.Gateway}:443`,
    '169.254.169.254:80',
  ])
    await t.test(`no tunnel to ${authority}`, async () => {
      assert.equal(await tunnelFrom(agent, PROXY_SOCKET, authority, REGISTRY), '403')
    })

  await t.test('no tunnel for another name in the ClientHello', async () => {
    assert.equal(await tunnelFrom(agent, PROXY_SOCKET, `${REGISTRY}:443`, REGISTRY), '200 secure')
    assert.equal(await tunnelFrom(agent, PROXY_SOCKET, `${REGISTRY}:443`, API), '200 cut')
  })

  await t.test('and nothing without the sidecar', async () => {
    assert.equal(await dialFrom(agent, `tcp://${address}:443`), 'host_unreachable (ENETUNREACH)')
    assert.match(await dialFrom(agent, `tcp://${REGISTRY}:443`), /^host_unknown/)
  })
})

/** Fetches through the proxy that the environment names. @returns `status body`, or `failed` and why */
function fetchFrom(agent: Insider, url: string): Promise<string> {
  return agent.inside(async (url) => {
    try {
      const response = await fetch(url)
      return `${response.status} ${await response.text()}`
    } catch (error) {
      return `failed: ${error}`
    }
  }, url)
}
