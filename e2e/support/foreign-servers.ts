import type { TestContext } from 'node:test'
import { image } from './engine.ts'
import { nodeCommand } from './inside.ts'
import { OwnContainer, type SocketVolume } from './own-container.ts'

/** A server that knows nothing of this project: it binds a path itself, takes no lock, and responds with `plain`. */
export function startPlainServer(t: TestContext, volume: SocketVolume, path: string): Promise<OwnContainer> {
  return OwnContainer.start(t, {
    image: image('client'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`],
    entrypoint: nodeCommand(servePlainly, path),
  })
}

async function servePlainly(path: string): Promise<void> {
  const { createServer } = await import('node:http')
  process.umask(0o117)
  createServer((_request, response) => response.end('plain')).listen(path)
}

export interface NaiveOptions {
  /** The body of its responses. */
  readonly name: string
  /** Whether it unlinks what is at the path before it listens. Default true. */
  readonly unlink?: boolean
  readonly umask?: number
}

/** A server that does what tutorials do: unlink, listen, and at SIGUSR1, as if it were slow to get there, chmod. */
export function startNaiveServer(
  t: TestContext,
  volume: SocketVolume,
  path: string,
  { name, unlink = true, umask = 0o022 }: NaiveOptions,
): Promise<OwnContainer> {
  return OwnContainer.start(t, {
    image: image('client'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`],
    entrypoint: nodeCommand(serveNaively, path, name, unlink, umask),
  })
}

async function serveNaively(path: string, name: string, unlink: boolean, umask: number): Promise<void> {
  const { chmodSync, rmSync } = await import('node:fs')
  const { createServer } = await import('node:http')
  process.umask(umask)
  const chmodded = Promise.withResolvers<void>()
  const server = createServer(async ({ url }, response) => {
    console.log(`asked for ${url}`)
    if (url === '/slow') await chmodded.promise
    response.end(name)
  })
  if (unlink) rmSync(path, { force: true })
  server.listen(path, () => console.log('listening'))
  process.once('SIGTERM', () => server.close())
  process.once('SIGUSR1', () => {
    chmodSync(path, 0o600)
    chmodded.resolve()
  })
}
