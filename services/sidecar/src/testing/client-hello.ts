import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'

/** What a client of `node:tls` sends first: one record with a ClientHello. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const [ours, theirs] = duplexPair()
  const client = connect({ socket: ours, servername: 'localhost', ...options }).on('error', () => undefined)
  const [bytes]: Buffer[] = await once(theirs, 'data')
  client.destroy()
  theirs.destroy()
  return bytes ?? Buffer.alloc(0)
}
