// A partner with TLS that a test kills and starts again while it is busy. It stands alone, so that a container can run it.
// Arguments: files of certificate, key and journal, then host and port.
//
// The journal survives the process. It has the line `start` for each start, `up` once that one listens, and the method and
// path of each request once it was received whole: what it says was executed.
//
//   /quote/ID     is responded to at once
//   /hold/N/ID    gets no response of the process of start N, unless that drains
//   /half/N/ID    gets half of its response of that process, and the rest when it drains

import { appendFileSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'

const BODY = 'Worse is better.'

function main(): void {
  const [certificate = '', key = '', journal = '', host, port] = process.argv.slice(2)
  const write = (line: string) => appendFileSync(journal, `${line}\n`)
  write('start')
  const starts = readFileSync(journal, 'utf8')
    .split('\n')
    .filter((line) => line === 'start').length

  const held = new Set<ServerResponse>()
  let isDraining = false

  const pair = { cert: readFileSync(certificate), key: readFileSync(key) }
  const server = createServer(pair, (request, response) => {
    request.resume().once('end', () => respond(request, response))
  })

  function respond({ method, url = '' }: IncomingMessage, response: ServerResponse): void {
    const [, what, start] = url.split('/')
    const isHeld = Number(start) === starts && !isDraining
    const executed = () => write(`${method} ${url}`)
    response.setHeader('content-length', BODY.length)
    if (isDraining) response.setHeader('connection', 'close')
    if (what === 'quote' || !isHeld) {
      executed() // first: once the response is out, the process may be killed
      response.end(BODY)
      return
    }
    held.add(response)
    if (what === 'hold') executed()
    else response.write(BODY.slice(0, BODY.length / 2), executed)
  }

  process.once('SIGTERM', () => {
    isDraining = true
    server.close(() => process.exit())
    for (const response of held) {
      if (!response.headersSent) response.setHeader('connection', 'close')
      response.end(response.headersSent ? BODY.slice(BODY.length / 2) : BODY)
      response.once('finish', () => response.socket?.end())
    }
  })

  server.listen(Number(port), host, () => write('up'))
}

if (import.meta.main) main()
