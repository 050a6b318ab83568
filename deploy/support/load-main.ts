/**
 * Sends one request to endpoints again and again without a pause, each on a new connection, and counts the responses. For
 * each line of stdin it prints one line: what it has counted so far, as JSON. It ends with stdin.
 * `node load-main.ts WORKERS "GET /status" unix:/path tcp://host:port`: runs inside the container, so it imports nothing but Node.
 */
import { request } from 'node:http'
import { createInterface } from 'node:readline'

export interface Count {
  ok: number
  /** What each request that got no 200 ended with. */
  failed: string[]
  /** Of all requests so far, in milliseconds. */
  slowestMs: number
}

const TIMEOUT_MS = 60_000

const [workers, asked = '', ...endpoints] = process.argv.slice(2)
const [method, path] = asked.split(' ')
const counts: Record<string, Count> = Object.fromEntries(
  endpoints.map((endpoint) => [endpoint, { ok: 0, failed: [], slowestMs: 0 }]),
)
let isOver = false

function send(endpoint: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { hostname, port } = new URL(endpoint)
  const where = endpoint.startsWith('unix:') ? { socketPath: endpoint.slice(5) } : { host: hostname, port }
  const sent = request({ ...where, method, path, agent: false, timeout: TIMEOUT_MS }, (response) => {
    let body = ''
    response.on('data', (chunk) => (body += chunk))
    response.on('end', () => resolve(response.statusCode === 200 ? 'ok' : `${response.statusCode} ${body}`))
    response.on('error', (error) => resolve(`body: ${error.message}`))
  })
  sent.on('timeout', () => sent.destroy(new Error('timeout')))
  sent.on('error', (error) => resolve(error.message))
  sent.end()
  return promise
}

async function work(endpoint: string, count: Count): Promise<void> {
  while (!isOver) {
    const start = performance.now()
    const outcome = await send(endpoint)
    if (outcome === 'ok') count.ok += 1
    else count.failed.push(outcome)
    count.slowestMs = Math.max(count.slowestMs, Math.round(performance.now() - start))
  }
}

const all = Object.entries(counts).flatMap(([endpoint, count]) =>
  Array.from({ length: Number(workers) }, () => work(endpoint, count)),
)
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(counts))
isOver = true
await Promise.all(all)
console.log(JSON.stringify(counts))
