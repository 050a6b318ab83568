// Responds with the host and the path that it was asked for; /redirect leads to the container `secret`. Each request is one
// line of the log. After /last no further request comes on the same connection.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const pair = { cert: readFileSync('/etc/tls.crt'), key: readFileSync('/etc/tls.key') }
createServer(pair, ({ headers, url }, response) => {
  console.log(`request: ${headers.host} ${url}`)
  if (url === '/redirect') response.setHeader('location', 'https://secret:8443/').statusCode = 302
  if (url === '/last') response.setHeader('connection', 'close')
  const body = `${headers.host} ${url}`
  response.setHeader('content-length', body.length).end(body)
}).listen(8443)
