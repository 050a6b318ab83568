import { Agent, createServer, request } from 'node:http'

/** What one writes first: node:http in front, http.request behind, kept connections. */
const [port, socketPath = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

createServer((incoming, outgoing) => {
  const { method, url: path } = incoming
  const headers = { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress }
  const options = { socketPath, agent, method, path, headers } as const
  const upstream = request(options, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  upstream.on('error', () => outgoing.destroy())
  outgoing.on('close', () => upstream.destroy())
  incoming.pipe(upstream)
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 })
