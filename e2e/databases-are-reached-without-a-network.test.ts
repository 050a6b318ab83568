// psql and redis-cli in containers without a network work over sockets, with a PostgreSQL and a Redis on a network that only
// the sidecar is on. By TCP they reach neither.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificatesFor } from './support/certificates.ts'
import type { ContainerHandle } from './support/container.ts'
import { ownStack, type Stack } from './support/stack.ts'

const PSQL = '/usr/lib/postgresql/bin/psql'

test('databases are reached without a network', async (t) => {
  await using pki = await certificatesFor('partner')
  const stack = await ownStack(t, {
    file: 'e2e/compose/way-out.yaml',
    services: ['sidecar', 'postgres', 'redis', 'psql', 'redis-cli'],
    env: { WAY_OUT_PKI: pki.path },
  })
  const psql = stack.service('psql')
  const redisCli = stack.service('redis-cli')
  const sql = (query: string, host = '/run/out') =>
    psql.exec(PSQL, '-X', '-At', '-h', host, '-U', 'app', '-d', 'postgres', '-c', query)

  await t.test('the clients are on no network', async () => {
    for (const client of [psql, redisCli]) assert.deepEqual(await interfacesOf(client), ['lo'])
  })

  await t.test('psql gets what it asks for, and the server sees the sidecar', async () => {
    assert.deepEqual(await sql('select 1 + 1'), { exitCode: 0, stdout: '2\n', stderr: '' })
    const { stdout } = await sql("select repeat('x', 1000000)")
    assert.equal(stdout.trim().length, 1_000_000)
    assert.equal(
      (await sql('select host(inet_client_addr())')).stdout.trim(),
      await addressOf(stack, 'sidecar'),
    )
  })

  await t.test('psql writes, and a transaction that is rolled back leaves nothing', async () => {
    await sql('create table t as select generate_series(1, 1000) as n')
    await sql('begin; delete from t; rollback')
    assert.equal((await sql('select count(*) from t')).stdout, '1000\n')
  })

  await t.test('redis-cli writes and reads a large value', async () => {
    const redis = (...command: string[]) =>
      redisCli.exec('redis-cli', '-e', '-s', '/run/out/redis.sock', ...command)
    assert.equal((await redis('ping')).stdout, 'PONG\n')
    assert.equal((await redis('set', 'key', 'x'.repeat(100_000))).stdout, 'OK\n')
    assert.equal((await redis('get', 'key')).stdout.trim().length, 100_000)
    assert.ok((await redis('client', 'info')).stdout.includes(`addr=${await addressOf(stack, 'sidecar')}:`))
  })

  await t.test('neither reaches its server by name or address', async () => {
    for (const host of ['postgres', await addressOf(stack, 'postgres')]) {
      const { exitCode, stderr } = await sql('select 1', host)
      assert.equal(exitCode, 2)
      assert.match(stderr, /could not translate host name|Network is unreachable/)
    }
    for (const host of ['redis', await addressOf(stack, 'redis')]) {
      const { exitCode, stderr } = await redisCli.exec('redis-cli', '-e', '-h', host, 'ping')
      assert.notEqual(exitCode, 0)
      assert.match(stderr, /name resolution|Network is unreachable/)
    }
  })
})

async function interfacesOf(container: ContainerHandle): Promise<string[]> {
  const { stdout } = await container.exec('cat', '/proc/net/dev')
  return [...stdout.matchAll(/^\s*(\S+):/gm)].map(([, name = '']) => name)
}

/** On the network of the servers. */
async function addressOf(stack: Stack, service: string): Promise<string> {
  const { NetworkSettings } = await stack.service(service).inspect()
  const [network] = Object.values(NetworkSettings.Networks)
  assert.ok(network !== undefined)
  return network.IPAddress
}
