// The app and Redis have no network: their only interface is loopback, they listen on no TCP port and can connect to
// nobody. The app can still be reached through its socket.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialFrom } from './support/connections.ts'
import { interfacesIn, tcpListenersIn } from './support/hardening.ts'
import { sharedStack } from './support/stack.ts'

/** The engine listens there itself, in every container on a network of Compose. */
const ENGINE_NAME_SERVER = '127.0.0.11:'

test('app and Redis have no network', async (t) => {
  const stack = await sharedStack(t)

  for (const name of ['app', 'redis']) {
    const service = stack.service(name)

    await t.test(`${name} is attached to no network`, async () => {
      const { HostConfig, NetworkSettings } = await service.inspect()
      assert.equal(HostConfig.NetworkMode, 'none')
      assert.deepEqual(Object.keys(NetworkSettings.Networks), ['none'])
      assert.deepEqual(NetworkSettings.Ports, {})
    })

    await t.test(`${name} has no interface but loopback`, async () => {
      assert.deepEqual(await interfacesIn(service), ['lo'])
    })

    await t.test(`${name} listens on no TCP port`, async () => {
      assert.deepEqual(await tcpListenersIn(service), [])
    })
  }

  await t.test('the app has no way out: no route to any address', async () => {
    const documentationAddress = 'tcp://192.0.2.1:80' // RFC 5737: nobody's
    assert.equal(await dialFrom(stack.service('app'), documentationAddress), 'host_unreachable (ENETUNREACH)')
  })

  await t.test('the check is not blind: the sidecar, which has a network, is seen to have one', async () => {
    assert.deepEqual(await interfacesIn(stack.service('sidecar')), ['eth0', 'eth1', 'lo'])
    const listeners = await tcpListenersIn(stack.service('sidecar'))
    const own = listeners.filter((address) => !address.startsWith(ENGINE_NAME_SERVER))
    assert.deepEqual(own, ['0.0.0.0:7070', '0.0.0.0:8080', '0.0.0.0:8443', '0.0.0.0:9464', '0.0.0.0:9901'])
  })

  await t.test('the app can be reached through its socket', async () => {
    assert.equal((await stack.request('api', '/-/healthy')).status, 200)
  })
})
