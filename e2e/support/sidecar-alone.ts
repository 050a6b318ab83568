import type { TestContext } from 'node:test'
import { image } from './images.ts'
import { OwnContainer } from './own-container.ts'
import type { SocketVolume } from './socket-volume.ts'

/** Where it listens, for what runs in its own container. */
export const SIDECAR = 'tcp://127.0.0.1:9464'
export const SIDECAR_OPS = 'tcp://127.0.0.1:9901'

/** A sidecar without a configuration file, before one socket on a volume at /run/app; GET /metrics is allowed. */
export function startSidecarAlone(t: TestContext, volume: SocketVolume, path: string): Promise<OwnContainer> {
  return OwnContainer.start(t, {
    image: image('sidecar'),
    user: '10002:10002',
    groups: [10_200],
    mounts: [`${volume.name}:/run/app:ro`],
    env: { SIDECAR_LISTEN: SIDECAR, SIDECAR_UPSTREAM: `unix:${path}`, SIDECAR_OPS },
  })
}
