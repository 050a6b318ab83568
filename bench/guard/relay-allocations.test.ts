import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { portOf, sidecarWith } from '../../services/sidecar/src/testing/sidecar-with.ts'
import { tempDirectory } from '../../shared/src/testing/files.ts'
import type { Play } from './exchanges.ts'

/**
 * Bytes of heap per request. More objects cost more CPU time to create and collect, and unlike a time, this count does not
 * depend on other load on the machine.
 */
const BUDGETS = [
  { bytes: 4, perRequest: 2_400 },
  { bytes: 11_264, perRequest: 2_400 },
] as const

/** The sum is below the limit of requests per connection (requestsPerConnection). */
const WARM_UP = 5_000
const REQUESTS = 4_000

describe('a request through the HTTP relay', () => {
  for (const { bytes, perRequest } of BUDGETS)
    it(`with a response of ${bytes} bytes allocates at most ${perRequest} bytes of heap`, async () => {
      const allocated = await allocatedPerRequest('x'.repeat(bytes))
      assert.ok(allocated <= perRequest, `${Math.round(allocated)} bytes were allocated`)
    })
})

async function allocatedPerRequest(body: string): Promise<number> {
  await using run = await tempDirectory()
  const workerData: Play = { socketPath: join(run.path, 'u'), body }
  const worker = new Worker(new URL('exchanges.ts', import.meta.url), { workerData })
  await once(worker, 'message')
  await using sidecar = await sidecarWith(`
routes:
  - {name: main, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${workerData.socketPath}"}
`)
  worker.postMessage(portOf(sidecar))
  await exchanges(worker, WARM_UP)
  const before = getHeapStatistics().total_allocated_bytes
  await exchanges(worker, REQUESTS)
  const after = getHeapStatistics().total_allocated_bytes
  await worker.terminate()
  return (after - before) / REQUESTS
}

async function exchanges(worker: Worker, count: number): Promise<void> {
  worker.postMessage(count)
  await once(worker, 'message')
}
