// An app that knows nothing of this project: it listens on a path, and that is all it has to do.
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'

const path = '/run/any/any.sock'
rmSync(path, { force: true }) // what most apps do; docs/bind-protocol.md says what can go wrong with it

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4')
  response.end(`any_requests_total{path="${request.url}"} 1\n`)
})
process.umask(0o117) // the socket is born with mode 0660
server.listen(path)
process.on('SIGTERM', () => server.close())
