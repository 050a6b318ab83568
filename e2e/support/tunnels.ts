import type { Insider } from './inside.ts'

/**
 * Opens a tunnel by CONNECT over a socket, from within a container, and does a TLS handshake in it.
 * @param name in the ClientHello
 * @returns the status of the CONNECT; then, if it is 200, `secure` or `cut`
 */
export function tunnelFrom(
  container: Insider,
  path: string,
  authority: string,
  name: string,
): Promise<string> {
  return container.inside(
    async (path, authority, name) => {
      const { connect } = await import('node:net')
      const tls = await import('node:tls')
      const socket = connect(path).on('error', () => socket.destroy())
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
      const head = String(await new Promise((resolve) => socket.once('data', resolve)))
      const status = head.split(' ')[1] ?? ''
      if (status !== '200') {
        socket.destroy()
        return status
      }
      return await new Promise<string>((resolve) => {
        const client = tls.connect({ socket, servername: name })
        client.once('secureConnect', () => resolve(`${status} secure`))
        client.once('error', () => resolve(`${status} cut`)).once('close', () => resolve(`${status} cut`))
      }).finally(() => socket.destroy())
    },
    path,
    authority,
    name,
  )
}

/** Asks for one tunnel after the other, and opens none. @returns the status of each CONNECT, with what it was for */
export function refusalsFrom(
  container: Insider,
  path: string,
  authorities: readonly string[],
): Promise<string[]> {
  return container.inside(
    async (path, authorities) => {
      const { connect } = await import('node:net')
      const statuses: string[] = []
      for (const authority of authorities) {
        const socket = connect(path)
        socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
        const head = String(await new Promise((resolve) => socket.once('data', resolve)))
        statuses.push(`${head.split(' ')[1]} ${authority}`)
        socket.destroy()
      }
      return statuses
    },
    path,
    authorities,
  )
}
