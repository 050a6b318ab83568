import type { Insider } from './inside.ts'

/** What the container that takes the listening socket responds to a request on it. */
export const TAKERS_RESPONSE = 'from the taker'

/**
 * Two containers that share a directory pass a listening TCP socket on (SCM_RIGHTS, unix(7)). `give` opens it, passes it
 * through a Unix socket at `path`, closes its own, and sends a request to its port. `take` receives it, and responds to
 * one request.
 * @returns to `give` the body of the response
 */
export function passListener(container: Insider, role: 'give' | 'take', path: string): Promise<string> {
  return container.inside(
    async (role, path, body) => {
      const { once } = await import('node:events')
      const ffi = await import('node:ffi')
      const http = await import('node:http')
      const { connect, createServer, Socket } = await import('node:net')
      const c = ffi.dlopen(null, {
        sendmsg: { arguments: ['i32', 'buffer', 'i32'], return: 'i64' },
        recvmsg: { arguments: ['i32', 'buffer', 'i32'], return: 'i64' },
      }).functions
      const descriptorOf = (owner: object): number => Reflect.get(Reflect.get(owner, '_handle'), 'fd')

      // struct msghdr (56 bytes) with one struct iovec (16), and one struct cmsghdr (16) with one descriptor.
      const byte = Buffer.alloc(1)
      const vector = Buffer.alloc(16)
      vector.writeBigUInt64LE(ffi.getRawPointer(byte), 0)
      vector.writeBigUInt64LE(1n, 8)
      const control = Buffer.alloc(24)
      control.writeBigUInt64LE(20n, 0)
      control.writeInt32LE(1, 8) // SOL_SOCKET
      control.writeInt32LE(1, 12) // SCM_RIGHTS
      const message = Buffer.alloc(56)
      message.writeBigUInt64LE(ffi.getRawPointer(vector), 16)
      message.writeBigUInt64LE(1n, 24)
      message.writeBigUInt64LE(ffi.getRawPointer(control), 32)
      message.writeBigUInt64LE(24n, 40)

      if (role === 'take') {
        const giver = connect(path)
        await once(giver, 'connect')
        // Blocks: the giver sends at once. Node has not begun to read, so it does not take the descriptor away.
        while (c.recvmsg(descriptorOf(giver), message, 0) < 1n);
        const server = http.createServer((_, response) => response.end(body))
        server.listen({ fd: control.readInt32LE(16) })
        await once(server, 'listening')
        giver.end('listening')
        await once(server, 'request')
        server.close()
        return ''
      }
      const tcp = createServer().listen(0, '127.0.0.1')
      const unix = createServer({ pauseOnConnect: true }).listen(path)
      const [[taker]] = await Promise.all([once(unix, 'connection'), once(tcp, 'listening')])
      const at = tcp.address()
      if (at === null || typeof at === 'string') throw new Error('a TCP server has a port')
      control.writeInt32LE(descriptorOf(tcp), 16)
      if (c.sendmsg(descriptorOf(taker), message, 0) !== 1n) throw new Error('sendmsg failed')
      tcp.close()
      if (taker instanceof Socket) await once(taker.resume(), 'data')
      unix.close()
      const [response] = await once(http.get({ host: at.address, port: at.port, agent: false }), 'response')
      return (await response.toArray()).join('')
    },
    role,
    path,
    TAKERS_RESPONSE,
  )
}
