// The stack on a Swarm of three engines: every node serves its own app, Prometheus finds all of them, an update of the
// app fails no request, and a node that dies costs the others nothing and comes back. `make places` runs this.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { type Node, PATIENCE, Swarm } from './swarm.ts'

test('the stack runs on a Swarm of three nodes', async (t) => {
  await using swarm = await Swarm.start()
  const { manager, nodes } = swarm
  await swarm.makeSecrets()
  await swarm.deploy(1)
  const addresses = await Promise.all(nodes.map((node) => node.address()))
  for (const address of addresses) await isReady(manager, address)
  for (const address of addresses) await hasRedis(manager, address)

  await t.test('each node serves its own app, and the way out of each leads to the partner', async () => {
    const pids = new Set<string>()
    for (const [index, node] of nodes.entries()) {
      assert.equal((await manager.get(`http://${addresses[index]}:8080/status`)).status, 200)
      pids.add(await node.taskOf('app'))
      assert.equal((await manager.get(`http://${addresses[index]}:8080/quote`)).status, 200)
    }
    assert.equal(pids.size, nodes.length)
  })

  await t.test('Prometheus finds the sidecar of each node, and through it the app', async () => {
    await eventuallyPasses(async () => {
      const up = new Map([...(await query(nodes, 'sum by (job) (up)'))])
      assert.deepEqual(
        up,
        new Map([
          ['app', 3],
          ['sidecar', 3],
        ]),
      )
    }, PATIENCE)
  })

  await t.test(
    'no task has a group that is not its own, and the app has no way to another service',
    async () => {
      for (const [service, groups] of [
        ['app', '10001'],
        ['sidecar', '10002'],
      ] as const) {
        const task = await manager.taskOf(service)
        const program = 'console.log(process.getgroups().join())'
        assert.equal(await manager.docker('exec', task, 'node', '--eval', program), groups)
      }
      const task = await manager.taskOf('app')
      const [, other = ''] = addresses
      for (const host of ['sidecar', 'partner', other]) {
        const program = `require('net').connect(8080, process.argv[1]).on('connect', () => console.log('connected')).on('error', (e) => console.log(e.code)).setTimeout(2000, () => process.exit(console.log('ETIMEDOUT')))`
        const outcome = await manager.docker('exec', task, 'node', '--eval', program, host)
        assert.match(outcome, /^(ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT)$/, host)
      }
    },
  )

  await t.test('an update of the app fails no request on any node, and no visit is lost', async (t) => {
    const before = await Promise.all(nodes.map((node) => node.taskOf('app')))
    const visits = await Promise.all(addresses.map((address) => visitsOf(manager, address)))
    const load = manager.load(2, 'POST /visits', ...addresses.map((address) => `tcp://${address}:8080`))
    await load.more(20)
    await swarm.deploy(2)
    await eventuallyPasses(async () => {
      const format = '--format={{.DesiredState}} {{.CurrentState}}'
      const tasks = (await manager.docker('service', 'ps', format, 'uds_app')).split('\n')
      const states = tasks.filter((task) => / Running/.test(task)).map((task) => task.split(' ').slice(0, 2))
      assert.deepEqual(states, Array(nodes.length).fill(['Running', 'Running']))
      const now = await Promise.all(nodes.map((node) => node.taskOf('app')))
      assert.ok(now.every((task, index) => task !== before[index]))
    }, PATIENCE)
    await load.more(20)
    const counts = [...(await load.end()).values()]
    t.diagnostic(`visits, none failed: ${counts.map(({ ok }) => ok).join(', ')}`)
    for (const [index, address] of addresses.entries())
      assert.equal(await visitsOf(manager, address), (visits[index] ?? 0) + (counts[index]?.ok ?? 0))
  })

  await t.test('a node that dies costs the others nothing, and serves again when it is back', async (t) => {
    const [, , last] = nodes
    const [first = '', second = '', third = ''] = addresses
    const load = manager.load(2, 'GET /status', `tcp://${first}:8080`, `tcp://${second}:8080`)
    await load.more(20)
    await last?.kill()
    await eventuallyPasses(async () => {
      assert.match(await manager.docker('node', 'ls', '--format={{.Status}}'), /Down/)
    }, PATIENCE)
    await load.more(20)
    await last?.startAgain()
    await isReady(manager, third)
    const counts = [...(await load.end()).values()]
    t.diagnostic(`requests to the others, none failed: ${counts.map(({ ok }) => ok).join(', ')}`)
  })
})

async function isReady(from: Node, address: string): Promise<void> {
  const url = `http://${address}:9901/-/ready`
  await eventuallyPasses(async () => assert.equal((await from.get(url)).status, 200, url), PATIENCE)
}

/** Nothing waits for Redis: its task may start long after those of the app and the sidecar. */
async function hasRedis(from: Node, address: string): Promise<void> {
  await eventuallyPasses(async () => {
    const { body } = await from.get(`http://${address}:8080/status`)
    assert.equal(JSON.parse(body).redis, 'up', address)
  }, PATIENCE)
}

async function visitsOf(from: Node, address: string): Promise<number> {
  return JSON.parse((await from.get(`http://${address}:8080/visits`)).body).visits
}

/** The value of each job, as the Prometheus of whatever node has it. */
async function query(nodes: readonly Node[], expression: string): Promise<Iterable<[string, number]>> {
  for (const node of nodes) {
    const url = `http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(expression)}`
    const { status, body } = await node.get(url)
    if (status !== 200) continue
    const { result }: { result: { metric: { job: string }; value: [number, string] }[] } =
      JSON.parse(body).data
    return result.map(({ metric, value }) => [metric.job, Number(value[1])])
  }
  throw new Error('no node has a Prometheus')
}
