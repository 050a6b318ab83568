/**
 * Stream routes from a socket to a database on TCP, with the clients of the databases: the way out of an app without a
 * network. On Debian: `apt-get install redis-server redis-tools postgresql`.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, globSync } from 'node:fs'
import { createServer } from 'node:net'
import { it } from 'node:test'
import { promisify } from 'node:util'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { sidecarWith } from '../src/testing/sidecar-with.ts'
import { run } from './started-process.ts'

/** PostgreSQL does not run as root. */
const NOBODY = 65_534

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await server[Symbol.asyncDispose]()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function start(command: string, args: readonly string[], identity: { uid?: number; gid?: number } = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...identity })
  const ended = once(child, 'exit')
  return {
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

it('redis-cli works over a socket, with a Redis on TCP', async () => {
  await using directory = await tempDirectory()
  const port = await freePort()
  const quiet = ['--save', '', '--appendonly', 'no', '--dir', directory.path, '--loglevel', 'warning']
  await using _server = start('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', ...quiet])
  const path = directory.at('redis.sock')
  await using _sidecar = await sidecarWith(
    `routes: [{name: r, kind: stream, listen: "unix:${path}", upstream: "tcp://127.0.0.1:${port}"}]`,
  )
  await eventuallyPasses(async () => assert.equal(await run('redis-cli', '-s', path, 'ping'), 'PONG\n'))
  assert.equal(await run('redis-cli', '-s', path, 'set', 'key', 'x'.repeat(100_000)), 'OK\n')
  assert.equal((await run('redis-cli', '-s', path, 'get', 'key')).trim().length, 100_000)
})

it('psql works over a socket, with a PostgreSQL on TCP', async () => {
  await using directory = await tempDirectory()
  const [initdb = 'initdb'] = globSync('/usr/lib/postgresql/*/bin/initdb')
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  if (identity.uid !== undefined) await promisify(chown)(directory.path, identity.uid, NOBODY)
  await promisify(chmod)(directory.path, 0o755)
  const data = directory.at('data')
  const [code] = await start(initdb, ['-D', data, '-U', 'postgres', '--no-sync'], identity).ended
  assert.equal(code, 0)
  const port = await freePort()
  const settings = ['-h', '127.0.0.1', '-p', `${port}`, '-k', '', '-F', '-c', 'log_min_messages=FATAL']
  const postgres = initdb.replace(/initdb$/, 'postgres')
  await using _server = start(postgres, ['-D', data, ...settings], identity)
  await using _sidecar = await sidecarWith(
    `routes: [{name: d, kind: stream, listen: "unix:${directory.at('.s.PGSQL.5432')}", upstream: "tcp://127.0.0.1:${port}"}]`,
  )
  const ask = (query: string) => run('psql', '-X', '-h', directory.path, '-U', 'postgres', '-At', '-c', query)
  await eventuallyPasses(async () => assert.equal(await ask('select 1 + 1'), '2\n'))
  assert.equal((await ask("select repeat('x', 1000000)")).trim().length, 1_000_000)
})
