import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** The upstream and the client, which run in a worker so that they do not allocate in the measured heap. */
export interface Play {
  readonly socketPath: string
  readonly body: string
}

const { socketPath, body } = workerData as Play
const RESPONSE = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const REQUEST = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: guard\r\nAccept: */*\r\n\r\n'

const upstream: Server = createServer((socket) => socket.on('data', () => socket.write(RESPONSE))).listen(
  socketPath,
)
await once(upstream, 'listening')
parentPort?.postMessage('listening')
const [port] = await once(parentPort as NonNullable<typeof parentPort>, 'message')
const client = connect({ port, host: '127.0.0.1', noDelay: true })
client.on('close', () => {
  throw new Error('the relay closed the connection')
})
parentPort?.on('message', async (requests: number) => {
  for (let i = 0; i < requests; i++) await exchange()
  parentPort?.postMessage('done')
})

/** One request, and its response to the last byte. */
async function exchange(): Promise<void> {
  client.write(REQUEST)
  let text = ''
  while (!text.endsWith(body)) text += (await once(client, 'data'))[0].toString('latin1')
  if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`the relay responded: ${text.slice(0, 200)}`)
}
