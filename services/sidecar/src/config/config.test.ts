import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, rm, rmdir, truncate, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { loadConfig } from './config.ts'

const LISTEN = {
  SIDECAR_LISTEN: 'tcp://0.0.0.0:9464',
  SIDECAR_UPSTREAM: 'unix:/run/app/metrics/metrics.sock',
}

describe('a configuration from environment variables', () => {
  it('needs an endpoint and an upstream: it allows only GET /metrics, and has no operations port', () => {
    const { ops, routes } = loadConfig({ ...LISTEN, SIDECAR_ALLOW: '', PATH: '/bin' })
    assert.equal(ops, null)
    const [route] = routes
    assert.ok(route?.kind === 'http')
    assert.deepEqual(route.allow, [{ methods: ['GET'], path: '/metrics', long: false, clients: [] }])
    assert.deepEqual(route.upstream, { kind: 'unix', path: '/run/app/metrics/metrics.sock' })
  })

  it('may set the allow list and the operations port', () => {
    const { ops, routes } = loadConfig({
      ...LISTEN,
      SIDECAR_ALLOW: 'GET /metrics, GET|POST /-/ready',
      SIDECAR_OPS: 'tcp://127.0.0.1:9901',
    })
    assert.deepEqual(ops, { kind: 'tcp', host: '127.0.0.1', port: 9901 })
    const [route] = routes
    assert.ok(route?.kind === 'http')
    assert.deepEqual(route.allow[1], { methods: ['GET', 'POST'], path: '/-/ready', long: false, clients: [] })
  })

  it('may set the access log and traces; by default failed requests have a line, and no trace begins', () => {
    const standard = loadConfig(LISTEN)
    assert.deepEqual([standard.accessLog, standard.trace], ['failed', false])
    const set = loadConfig({ ...LISTEN, SIDECAR_ACCESS_LOG: 'all', SIDECAR_TRACE: 'true' })
    assert.deepEqual([set.accessLog, set.trace], ['all', true])
    const wrong = { ...LISTEN, SIDECAR_ACCESS_LOG: 'yes', SIDECAR_TRACE: '1' }
    const message = /SIDECAR_ACCESS_LOG is "yes".*off, failed, all.*SIDECAR_TRACE is "1".*true or false/s
    assert.throws(() => loadConfig(wrong), { exitCode: 78, message })
  })

  it('is refused for a rule that no request could match', () => {
    const env = { ...LISTEN, SIDECAR_ALLOW: 'GET /a, CONNECT /b' }
    assert.throws(() => loadConfig(env), { exitCode: 78, message: /SIDECAR_ALLOW is .*CONNECT/ })
  })

  it('has all its mistakes reported together', () => {
    const env = { SIDECAR_LISTEN: '9464', SIDECAR_ALLOW: 'metrics', SIDECAR_ALOW: 'x' }
    const expected =
      /SIDECAR_ALOW is not a setting.*SIDECAR_LISTEN is "9464".*SIDECAR_UPSTREAM is not set.*SIDECAR_ALLOW is "metrics"/s
    assert.throws(() => loadConfig(env), { code: 'bad_config', exitCode: 78, message: expected })
  })
})

describe('a configuration from a file', () => {
  it('is read from the path in SIDECAR_CONFIG', async () => {
    await using run = await tempDirectory()
    const path = `${run.path}/sidecar.yaml`
    await writeFile(path, 'routes: [{name: a, kind: stream, listen: "tcp://h:1", upstream: "unix:/a"}]')
    assert.equal(loadConfig({ SIDECAR_CONFIG: path }).routes[0]?.name, 'a')
  })

  it('is refused together with the variables for one route', () => {
    assert.throws(() => loadConfig({ SIDECAR_CONFIG: '/x', ...LISTEN }), /SIDECAR_LISTEN is not a setting/)
  })

  it('is refused, without blocking, when the file is not regular UTF-8 text of at most 1 MiB', async () => {
    await using run = await tempDirectory()
    const path = `${run.path}/f`
    const refused = (message: RegExp) =>
      assert.throws(() => loadConfig({ SIDECAR_CONFIG: path }), { code: 'bad_config', exitCode: 78, message })
    execFileSync('mkfifo', [path])
    refused(/which is a FIFO/)
    await rm(path)
    await mkdir(path)
    refused(/which is a directory/)
    await rmdir(path)
    await writeFile(path, Buffer.from([0x61, 0x3a, 0x20, 0xff]))
    refused(/which is not UTF-8 text/)
    await writeFile(path, '')
    await truncate(path, 100_000_000)
    refused(/which has more than 1048576 bytes/)
    await writeFile(path, `a: "${'\0'.repeat(9)}"`)
    refused(/f:1 /)
  })

  it('may begin with a byte order mark', async () => {
    await using run = await tempDirectory()
    const path = `${run.path}/sidecar.yaml`
    await writeFile(path, '\uFEFFroutes: [{name: a, kind: stream, listen: "tcp://h:1", upstream: "unix:/a"}]')
    assert.equal(loadConfig({ SIDECAR_CONFIG: path }).routes.length, 1)
  })

  it('is refused with the errno when the file cannot be read', () => {
    assert.throws(() => loadConfig({ SIDECAR_CONFIG: '/nowhere' }), { code: 'bad_config', errno: 'ENOENT' })
  })
})
