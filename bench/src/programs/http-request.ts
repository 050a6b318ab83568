import { Agent, createServer, request } from 'node:http'

/** The simplest Node proxy: a node:http server, http.request to the upstream, keep-alive connections. */
const [port, socketPath = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

createServer((incoming, outgoing) => {
  const { method, url: path } = incoming
  const headers = { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress }
  const options = { socketPath, agent, method, path, headers } as const
  const upstream = request(options, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers)
    response.pipe(outgoing)
  })
  upstream.on('error', () => outgoing.destroy())
  outgoing.on('close', () => upstream.destroy())
  incoming.pipe(upstream)
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 })
