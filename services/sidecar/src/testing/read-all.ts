import type { Socket } from 'node:net'

/**
 * What a socket receives until its peer ends or the connection breaks. It stays open for writing, unlike after
 * iterating over it.
 */
export function readAll(socket: Socket): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  const done = () => resolve(Buffer.concat(chunks))
  socket
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .once('end', done)
    .once('close', done)
  return promise
}
