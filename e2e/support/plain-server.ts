import type { TestContext } from 'node:test'
import { image } from './images.ts'
import { nodeCommand } from './inside.ts'
import { OwnContainer } from './own-container.ts'
import type { SocketVolume } from './socket-volume.ts'

/** A server that knows nothing of this project: it binds a path itself, takes no lock, and answers `plain`. */
export function startPlainServer(t: TestContext, volume: SocketVolume, path: string): Promise<OwnContainer> {
  return OwnContainer.start(t, {
    image: image('client'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`],
    entrypoint: nodeCommand(serve, path),
  })
}

async function serve(path: string): Promise<void> {
  const { createServer } = await import('node:http')
  process.umask(0o117)
  createServer((_request, response) => response.end('plain')).listen(path)
}
