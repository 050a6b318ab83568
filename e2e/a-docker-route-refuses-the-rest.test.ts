// Through the routes of examples/docker-socket the engine does nothing but what their rules name: every other command of the
// CLI is refused, with the reason, and nothing happens. Neither an upgrade that fails, nor one that nobody asked for, nor a
// path in another spelling leads past the rules. What is in the body of a request they do not see.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { type FilteredEngine, filteredEngine, type Recipe } from './support/docker-socket.ts'
import { type Ended, engine, image } from './support/engine.ts'
import { OwnContainer } from './support/own-container.ts'

/** What each recipe refuses; ID stands for a container. */
const REFUSED: Readonly<Record<Recipe, readonly string[]>> = {
  'read-only': [
    'run --rm IMAGE true',
    'create IMAGE true',
    'rm --force ID',
    'kill ID',
    'stop ID',
    'restart ID',
    'pause ID',
    'rename ID other',
    'update --memory 1g ID',
    'exec ID true',
    'cp ID:/etc/hostname -',
    'commit ID',
    'export ID',
    'images',
    'pull IMAGE',
    'tag IMAGE other',
    'rmi IMAGE',
    'volume ls',
    'volume create other',
    'network ls',
    'network connect bridge ID',
    'plugin ls',
    'secret ls',
    'system df',
    'system prune --force',
    'swarm init',
  ],
  exec: [
    'run --rm IMAGE true',
    'kill ID',
    'rm --force ID',
    'ps',
    'logs ID',
    'events',
    'cp ID:/etc/hostname -',
    'images',
  ],
  build: [
    'run --rm IMAGE true',
    'kill ID',
    'rm --force ID',
    'ps',
    'logs ID',
    'exec ID true',
    'images',
    'rmi IMAGE',
  ],
}

describe('a route to the engine', { concurrency: true }, () => {
  for (const recipe of ['read-only', 'exec', 'build'] as const)
    test(`with ${recipe}.yaml refuses the rest`, (t) => refusesTheRest(t, recipe))
})

async function refusesTheRest(t: TestContext, recipe: Recipe): Promise<void> {
  const route = await filteredEngine(t, recipe)
  await using container = await idleContainer(t)
  const before = await container.incarnation()

  for (const command of REFUSED[recipe])
    await t.test(`docker ${command}`, async () => {
      const words = command.replace('ID', container.name).replace('IMAGE', image('redis')).split(' ')
      const { exitCode, stdout, stderr } = await route.docker(...words).ended()
      assert.match(stderr, /"status":403,.* is not on the allow list","code":"path_not_allowed"/)
      assert.deepEqual([exitCode === 0, stdout.trim()], [false, ''])
    })

  if (recipe === 'read-only') await hostileReads(t, route, container)
  if (recipe === 'exec') await hostileUpgrades(t, route, container)
  assert.equal(await container.incarnation(), before)
}

async function hostileReads(t: TestContext, route: FilteredEngine, { name }: OwnContainer): Promise<void> {
  await t.test('docker attach', async () => {
    const { stderr } = await route.docker('attach', name).ended()
    assert.equal(stderr.trim(), 'unable to upgrade to tcp, received 403')
  })

  for (const [status, target] of [
    [200, '/v1.44/containers/json'],
    [200, '/v1.44/containers/json?%61ll=1'],
    [200, '/v1.44/containers/%6ason'],
    [403, '/v1.44/containers/json?all=1&other=1'],
    [403, '/v1.44/containers/json?all=1;other=1'],
    [403, '/v1.44/containers/json?ALL=1'],
    [403, '/v1.44/info?all=1'],
    [403, '/containers/json'],
    [403, `/containers/${name}/json`],
    [403, '/v1.44/v1.44/containers/json'],
    [403, '//v1.44/containers/json'],
    [403, '/v1.44//containers/json'],
    [403, '/v1.44/containers/json/'],
    [403, '/v1.44/Containers/json'],
    [403, '/v1.44/containers/json;x'],
    [403, 'http://docker/v1.44/volumes'],
    [403, '/v1.44/containers/a/b/json'],
    [400, '/v1.44/../volumes'],
    [400, '/v1.44/containers/json/../../volumes'],
    [400, '/v1.44/containers/%2e%2E/volumes'],
    [400, '/v1.44/containers/json%2f..'],
    [400, '/v1.44/containers/..%2Fvolumes/json'],
    [400, `/v1.44/containers/${name}%2Fjson`],
    [400, '/v1.44/containers/json\\..\\volumes'],
    [400, '/v1.44/containers/json%00'],
  ] as const)
    await t.test(`GET ${target} is ${status}`, async () => {
      const response = await send(route, head('GET', target, 'Connection: close'))
      assert.match(response, new RegExp(`^HTTP/1\\.1 ${status} `))
    })

  await t.test('an upgrade that no rule names is served without it, and a WebSocket is 501', async () => {
    const upgrade = (protocol: string) => head('GET', '/_ping', `Connection: Upgrade\r\nUpgrade: ${protocol}`)
    const last = head('GET', '/_ping', 'Connection: close')
    const responses = await send(route, `${upgrade('tcp')}${upgrade('h2c')}${last}`)
    assert.equal(responses.match(/HTTP\/1\.1 200 OK\r\n/g)?.length, 3)
    assert.match(await send(route, upgrade('websocket')), /^HTTP\/1\.1 501 .*"upgrade_refused"/s)
  })

  await t.test(
    '{version} matches any segment: an inspection of the network "info" reaches the engine',
    async () => {
      const response = await send(route, head('GET', '/networks/info', 'Connection: close'))
      assert.match(response, /^HTTP\/1\.1 404 .*network info not found/s)
    },
  )
}

async function hostileUpgrades(
  t: TestContext,
  route: FilteredEngine,
  container: OwnContainer,
): Promise<void> {
  const { name } = container
  const remove = head('DELETE', `/v1.44/containers/${name}?force=1`)

  for (const [what, status, request] of [
    ['an exec that does not exist', 404, upgrade('/v1.44/exec/none/start', 'tcp', '{}')],
    ['a container that does not exist', 404, upgrade('/v1.44/containers/none/attach?stream=1', 'tcp')],
    ['a version that does not exist', 400, upgrade(`/v9.99/containers/${name}/attach?stream=1`, 'tcp')],
  ] as const)
    await t.test(`an upgrade for ${what} is ${status}, and nothing follows it`, async () => {
      const response = await send(route, request + remove)
      assert.match(response, new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nConnection: close\\r\\n`, 's'))
      assert.equal(response.match(/HTTP\/1\.1/g)?.length, 1)
    })

  for (const [what, request] of [
    ['another protocol', upgrade(`/v1.44/containers/${name}/attach?stream=1`, 'h2c')],
    ['no protocol', head('POST', `/v1.44/containers/${name}/attach?stream=1`, 'Content-Length: 0')],
    ['another name in the query', upgrade(`/v1.44/containers/${name}/attach?stream=1&other=1`, 'tcp')],
    ['another path', upgrade(`/v1.44/containers/${name}/kill`, 'tcp')],
    ['the path of BuildKit', upgrade('/session', 'h2c')],
  ] as const)
    await t.test(`an upgrade with ${what} is refused`, async () => {
      assert.match(await send(route, request), /^HTTP\/1\.1 403 .*"path_not_allowed"/s)
    })

  for (const traversal of ['/v1.44/../containers/ID/attach', '/v1.44/x/%2e%2e/containers/ID/attach'])
    await t.test(`an upgrade of ${traversal} is 400`, async () => {
      const request = upgrade(`${traversal.replace('ID', name)}?stream=1`, 'tcp')
      assert.match(await send(route, request + remove), /^HTTP\/1\.1 400 /)
    })

  await t.test('after an upgrade, requests are bytes for the program in the container', async () => {
    const id = await execIn(name, ['head', '--bytes', String(2 * remove.length)])
    const response = await send(route, upgrade(`/v1.44/exec/${id}/start`, 'tcp', '{}') + remove + remove)
    assert.match(response, /^HTTP\/1\.1 101 /)
    assert.equal(response.split('DELETE /').length, 3)
  })

  await t.test(
    'without an upgrade, what follows is a request of its own, and does not get to the program',
    async () => {
      const id = await execIn(name, ['sh', '-c', 'timeout 1 cat; echo over'])
      const next = head('DELETE', `/v1.44/containers/${name}?force=1`, 'Connection: close')
      const response = await send(route, plain(`/v1.44/exec/${id}/start`, '{}') + next)
      assert.match(response, /^HTTP\/1\.1 200 .*over\n.*HTTP\/1\.1 403 /s)
      assert.doesNotMatch(response, /DELETE/)
    },
  )

  await t.test('the rules do not see what a body asks for: docker exec --privileged', async () => {
    const command = [name, 'grep', 'CapEff', '/proc/self/status']
    const usual = await route.docker('exec', ...command).ended()
    const privileged = await route.docker('exec', '--privileged', '--user', '0', ...command).ended()
    assert.deepEqual([mayAdministrate(usual), mayAdministrate(privileged)], [false, true])
  })
}

/** Whether `CapEff` of proc_pid_status(5) has CAP_SYS_ADMIN. */
function mayAdministrate({ stdout }: Ended): boolean {
  const capabilities = BigInt(`0x${stdout.replace('CapEff:', '').trim()}`)
  return (capabilities & (1n << 21n)) !== 0n
}

function idleContainer(t: TestContext): Promise<OwnContainer> {
  return OwnContainer.start(t, { image: image('redis'), entrypoint: ['sleep', '1000'] })
}

/** An exec whose stdin is open. @returns its id */
async function execIn(name: string, Cmd: string[]): Promise<string> {
  const { id } = await engine.getContainer(name).exec({ Cmd, AttachStdin: true, AttachStdout: true })
  return id
}

function head(method: string, target: string, fields = 'Content-Length: 0'): string {
  return `${method} ${target} HTTP/1.1\r\nHost: docker\r\n${fields}\r\n\r\n`
}

function plain(target: string, body: string, fields = ''): string {
  const framing = `Content-Type: application/json\r\nContent-Length: ${body.length}`
  return head('POST', target, fields + framing) + body
}

function upgrade(target: string, protocol: string, body = ''): string {
  return plain(target, body, `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`)
}

/** Sends bytes to the route. @returns all that came; after an error, this side ends first */
async function send({ socketPath }: FilteredEngine, bytes: string): Promise<string> {
  const socket = connect({ path: socketPath, allowHalfOpen: true })
  socket.setEncoding('latin1').write(bytes)
  let received = ''
  socket.on('data', (text: string) => {
    received += text
    if (/^HTTP\/1\.1 [45]/.test(received)) socket.end()
  })
  await once(socket, 'end')
  socket.end()
  return received
}
