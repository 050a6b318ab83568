// Responds to every request with the host and the path that it was sent for.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const pair = { cert: readFileSync('/etc/tls.crt'), key: readFileSync('/etc/tls.key') }
createServer(pair, (request, response) => response.end(`${request.headers.host} ${request.url}`)).listen(443)
