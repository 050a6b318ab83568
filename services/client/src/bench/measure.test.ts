import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { serve, temporaryDirectory } from '../testing/broken-server.ts'
import { measure } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Ground, Target } from './target.ts'

const SETTINGS: Settings = {
  protocol: 'echo',
  sizeBytes: 64,
  connections: 2,
  ratePerSecond: null,
  rounds: 1,
  roundMs: 100,
  warmupMs: 0,
}

/** Measures a server that calls `handle` for each connection. */
async function measured(handle: (socket: Socket) => void, settings: Partial<Settings> = {}) {
  await using temporary = await temporaryDirectory()
  const path = `${temporary.directory}/a.sock`
  await using _server = await serve(path, handle)
  const target: Target = { name: 'socket', endpoint: { kind: 'unix', path } }
  const ground: Ground = {
    targets: () => [target],
    httpPath: () => '/',
    echoOverheadBytes: 0,
    missing: {},
    async [Symbol.asyncDispose]() {},
  }
  const round = { durationMs: 100, signal: new AbortController().signal }
  return await measure(target, { ...SETTINGS, ...settings }, ground, round)
}

const echo = (socket: Socket) => void socket.pipe(socket)

describe('measure', () => {
  it('in a closed loop counts responses and no failures', async () => {
    const { latencies, errors, seconds } = await measured(echo)
    assert.ok(latencies.count > 0)
    assert.deepEqual(errors, {})
    assert.ok(seconds >= 0.1)
  })

  it('at a constant rate sends every due request, however fast the responses are', async () => {
    const { latencies } = await measured(echo, { ratePerSecond: 500 })
    assert.equal(latencies.count, 50)
  })

  it('at a constant rate counts a stall for every request that was due during it', async () => {
    let stalled = false
    const stallOnce = (socket: Socket) => {
      socket.on('data', (chunk) => {
        setTimeout(() => socket.write(chunk), stalled ? 0 : 60)
        stalled = true
      })
    }
    const settings = { ratePerSecond: 500, connections: 1 }
    // The first exchange only checks the connection: it does not stall.
    let opened = false
    const { latencies } = await measured((socket) => {
      socket.once('data', (chunk) => {
        opened = socket.write(chunk)
        stallOnce(socket)
      })
    }, settings)
    assert.equal(opened, true)
    assert.equal(latencies.count, 50)
    assert.ok(latencies.percentile(40) > 10e6, 'nearly half of the requests waited more than 10 ms')
  })

  it('counts connections that end, and continues with the others', async () => {
    let connections = 0
    const { latencies, errors } = await measured((socket) => {
      const breaks = connections++ === 0
      let chunks = 0
      socket.on('data', (chunk) => (breaks && chunks++ === 1 ? socket.destroy() : socket.write(chunk)))
    })
    assert.deepEqual(errors, { upstream_reset: 1 })
    assert.ok(latencies.count > 1)
  })

  it('counts connections that cannot be opened', async () => {
    const { latencies, errors } = await measured((socket) => socket.destroy())
    assert.deepEqual(errors, { upstream_reset: 2 })
    assert.equal(latencies.count, 0)
  })
})
