// The partner of the demonstration: an API of somebody else, on a network that the app is not on. It speaks TLS and wants
// a token, which only the sidecar has.

import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, watch } from 'node:fs'
import { createServer } from 'node:https'

const DIRECTORY = '/run/certificates'
const PORT = 8443
const QUOTES = ['Make each program do one thing well.', 'Silence is golden.', 'Worse is better.']

const read = (name) => readFileSync(`${DIRECTORY}/${name}`, 'utf8')
const pair = () => ({ cert: read('tls.crt'), key: read('tls.key') })
const digest = (text) => createHash('sha256').update(text).digest()

let next = 0

const server = createServer(pair(), (request, response) => {
  const expected = digest(`Bearer ${read('token').trim()}`)
  const isKnown = timingSafeEqual(digest(request.headers.authorization ?? ''), expected)
  if (!isKnown) send(response, 401, { error: 'who are you?' })
  else if (request.method !== 'GET' || request.url !== '/v1/quote') send(response, 404, { error: 'not here' })
  else send(response, 200, { quote: QUOTES[next++ % QUOTES.length] })
})

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

// The certificate is renewed while it is in use. Its files are links into a directory that is swapped.
watch(DIRECTORY, () => {
  try {
    server.setSecureContext(pair())
  } catch (error) {
    console.error(`the new certificate is not used: ${error}`)
  }
})

server.listen(PORT, () => console.log(`partner: listens on ${PORT}`))
process.once('SIGTERM', () => {
  server.close(() => process.exit())
  server.closeAllConnections()
})
