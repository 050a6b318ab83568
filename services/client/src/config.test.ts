import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from './config.ts'

describe('loadConfig', () => {
  it('uses the endpoints of compose.yaml by default', () => {
    const config = loadConfig({})
    assert.deepEqual(config.metrics, { kind: 'unix', path: '/run/app/metrics/metrics.sock' })
    assert.deepEqual(config.ops, { kind: 'tcp', host: '127.0.0.1', port: 9901 })
    assert.ok(Object.isFrozen(config))
  })

  it('accepts an endpoint of any kind for each variable', () => {
    const { api } = loadConfig({ CLIENT_API: 'unix:@app' })
    assert.deepEqual(api, { kind: 'abstract', name: 'app' })
  })

  it('reports every mistake at once, also a misspelt name', () => {
    const env = { CLIENT_API: 'nowhere', CLIENT_OPS: 'tcp://x:99999', CLIENT_ECOH: 'unix:/x' }
    assert.throws(
      () => loadConfig(env),
      ({ code, message }) => {
        assert.equal(code, 'bad_config')
        for (const name of ['CLIENT_API', 'CLIENT_OPS', 'CLIENT_ECOH'])
          assert.match(message, new RegExp(name))
        return true
      },
    )
  })

  it('ignores a CLIENT_ID of another program', () => {
    assert.doesNotThrow(() => loadConfig({ CLIENT_ID: 'an-oauth-client' }))
  })
})
