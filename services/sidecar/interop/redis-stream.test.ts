/** A stream route in front of Redis, with the clients of Redis. On Debian: `apt-get install redis-server redis-tools`. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { portOf, sidecarWith } from '../src/testing/sidecar-with.ts'
import { run, startProcess } from './started-process.ts'

it('redis-cli and redis-benchmark work through a stream route', async () => {
  await using directory = await tempDirectory()
  const path = `${directory.path}/s`
  const args = [
    '--port',
    '0',
    '--unixsocket',
    path,
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    directory.path,
    '--loglevel',
    'warning',
  ]
  await using _ = await startProcess('redis-server', args, path)
  await using sidecar = await sidecarWith(
    `routes: [{name: r, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${path}"}]`,
  )
  const port = `${portOf(sidecar)}`
  assert.equal(await run('redis-cli', '-p', port, 'set', 'key', 'x'.repeat(100_000)), 'OK\n')
  assert.equal((await run('redis-cli', '-p', port, 'get', 'key')).trim().length, 100_000)
  const benchmark = await run(
    'redis-benchmark',
    '-p',
    port,
    '-q',
    '-n',
    '20000',
    '-c',
    '50',
    '-P',
    '4',
    '-t',
    'set,get,lrange_100',
  )
  assert.match(benchmark, /GET: [\d.]+ requests per second/)
  const failures = [...(sidecar.routes[0]?.counters.failures ?? [])].filter(([, count]) => count > 0)
  assert.deepEqual(failures, [])
})
