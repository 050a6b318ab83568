import { Agent, createServer } from 'node:http'
import httpProxy from 'http-proxy'

const [port, socketPath = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const proxy = httpProxy.createProxyServer({ target: { socketPath } as never, agent, xfwd: true })

proxy.on('error', (_error, _incoming, outgoing) => outgoing.destroy())

createServer((incoming, outgoing) => proxy.web(incoming, outgoing)).listen({
  port: Number(port),
  host: '127.0.0.1',
  backlog: 4_096,
})
