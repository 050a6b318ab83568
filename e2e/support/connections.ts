import type { Insider } from './inside.ts'

/** Dials from within a container. @returns `connected`, or the failure as `code (errno)` */
export function dialFrom(container: Insider, endpoint: string): Promise<string> {
  return container.inside(async (text) => {
    const { parseEndpoint } = await import('@uds-sidecar/shared/endpoint/endpoint')
    const { dial } = await import('@uds-sidecar/shared/dial/dial')
    const { Failure } = await import('@uds-sidecar/shared/failure/failure')
    try {
      const socket = await dial(parseEndpoint(text))
      socket.destroy()
      return 'connected'
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return `${error.code} (${error.errno})`
    }
  }, endpoint)
}

/**
 * GETs over any endpoint from within a container, within a minute.
 * @returns `status body`, or the failure as `code (errno)`
 */
export function getFrom(container: Insider, endpoint: string, path: string): Promise<string> {
  return container.inside(
    async (text, path) => {
      const { parseEndpoint } = await import('@uds-sidecar/shared/endpoint/endpoint')
      const { Failure } = await import('@uds-sidecar/shared/failure/failure')
      const { request } = await import('@uds-sidecar/shared/http/request')
      try {
        const { status, body } = await request(parseEndpoint(text), { path, timeoutMs: 60_000 })
        return `${status} ${body}`
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        return `${error.code} (${error.errno})`
      }
    },
    endpoint,
    path,
  )
}

/** What came of requests that were made one after the other. */
export interface Requested {
  readonly succeeded: number
  /** Statuses other than 200, and errnos. */
  readonly failures: (string | number)[]
}

/**
 * GETs `/-/healthy` over a socket from within a container, each on a connection of its own, until the file `done` is
 * there and it has asked at least so often.
 */
export function requestUntil(
  container: Insider,
  path: string,
  done: string,
  least: number,
): Promise<Requested> {
  return container.inside(
    async (socketPath, done, least) => {
      const { existsSync } = await import('node:fs')
      const { get } = await import('node:http')
      const ask = () =>
        new Promise<string | number | undefined>((resolve) => {
          get(
            { socketPath, path: '/-/healthy', agent: false, signal: AbortSignal.timeout(60_000) },
            (response) => {
              response.resume().once('close', () => resolve(response.complete ? response.statusCode : 'cut'))
            },
          ).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        })
      const outcomes: (string | number)[] = []
      while (!existsSync(done) || outcomes.length < least) outcomes.push((await ask()) ?? 'no status')
      const failures = outcomes.filter((outcome) => outcome !== 200)
      return { succeeded: outcomes.length - failures.length, failures }
    },
    path,
    done,
    least,
  )
}

/**
 * Connects to a server that does not accept until the kernel refuses with EAGAIN. Connections wait in the queue even
 * when their clients have gone, so that it stays full. @returns how many it took
 */
export function fillBacklog(container: Insider, path: string): Promise<number> {
  return container.inside(async (path) => {
    const { connect } = await import('node:net')
    for (let taken = 0; taken < 10_000; taken++) {
      const errno = await new Promise((resolve) => {
        const socket = connect(path)
        socket
          .once('connect', () => resolve(socket.destroy() && undefined))
          .once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      })
      if (errno === 'EAGAIN') return taken
      if (errno !== undefined) throw new Error(`connection ${taken} failed with ${errno}`)
    }
    throw new Error('the queue has no end')
  }, path)
}

/** Connections to the sockets of a directory, as the kernel lists them. */
export interface Connections {
  /** In the listen queue: the server has not accepted them yet. */
  readonly queued: number
  readonly accepted: number
}

/**
 * The connections that this container made to the sockets of a directory (`/proc/net/unix`: state 2 is queued, 3 is
 * accepted). The kernel lists the server's end in the network namespace of the client, by the name that was bound, which
 * is the staged one.
 */
export function connectionsFrom(client: Insider, directory: string): Promise<Connections> {
  return client.inside(async (directory) => {
    const { readFile } = await import('node:fs/promises')
    const rows = (await readFile('/proc/net/unix', 'utf8')).trim().split('\n').slice(1)
    const states = rows
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , , , , , path]) => path?.startsWith(`${directory}/`))
    const count = (state: string) => states.filter((fields) => fields[5] === state).length
    return { queued: count('02'), accepted: count('03') }
  }, directory)
}
