import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { loadConfig } from './config.ts'

describe('the configuration of the app', () => {
  it('has the sockets of the compose stack by default, and no TCP', () => {
    const config = loadConfig({})
    assert.deepEqual(config.api, { kind: 'unix', path: '/run/app/api/api.sock' })
    assert.equal(config.tcp, undefined)
    assert.equal(config.chaos, false)
  })

  it('counts an empty variable as not set, because Compose passes an unset one so', () => {
    assert.equal(loadConfig({ APP_TCP: '', APP_DRAIN_MS: '' }).drainMs, 10_000)
  })

  it('names every mistake at once: the value and the allowed values', () => {
    const env = {
      APP_DRAIN_MS: 'soon',
      APP_CHAOS: 'yes',
      APP_API: 'unix:api.sock',
      APP_TPC: 'tcp://0.0.0.0:80',
    }
    assert.throws(
      () => loadConfig(env),
      (error: Failure) => {
        assert.ok(error instanceof Failure)
        assert.equal(error.exitCode, 78)
        for (const text of [
          'APP_DRAIN_MS is "soon": may be a whole number from 0 to 600000',
          'APP_CHAOS is "yes": may be on, off',
          'its path is not absolute',
          'APP_TPC is not a setting',
        ]) {
          assert.ok(error.message.includes(text), `no "${text}" in ${error.message}`)
        }
        return true
      },
    )
  })
})
