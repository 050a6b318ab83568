// An app that knows nothing about this project. It only has to listen on a path.
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'

const path = '/run/any/any.sock'
rmSync(path, { force: true }) // most apps do this; docs/bind-protocol.md says what can go wrong

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4')
  response.end(`any_requests_total{path="${request.url}"} 1\n`)
})
process.umask(0o117) // so that the socket is created with mode 0660
server.listen(path)
process.on('SIGTERM', () => server.close())
