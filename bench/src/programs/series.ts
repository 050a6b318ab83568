import { createServer } from 'node:http'
import { Gauge, Registry } from 'prom-client'

/** An app that serves SERIES series over SOCKET, rendered for each scrape. Arguments: SOCKET SERIES. */
const [socketPath, series] = process.argv.slice(2)
const registry = new Registry()
const labels = ['method', 'route', 'code'] as const
const gauge = new Gauge({
  name: 'queue_depth_jobs',
  help: 'Made up.',
  labelNames: labels,
  registers: [registry],
})
for (let i = 0; i < Number(series); i++) gauge.set({ method: 'GET', route: `/things/${i}`, code: '200' }, i)

createServer(async (_request, response) => {
  response.setHeader('content-type', registry.contentType).end(await registry.metrics())
}).listen(socketPath)
