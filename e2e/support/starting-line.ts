import type { TestContext } from 'node:test'
import { APP_ENV } from './app-alone.ts'
import { image } from './images.ts'
import { nodeCommand } from './inside.ts'
import { OwnContainer } from './own-container.ts'
import type { SocketVolume } from './socket-volume.ts'

/** What lets the apps go, when it is made in their volume. */
export const STARTING_GUN = '/run/app/go'

/** Apps that wait, each in a container of its own, so that all of them start at the same moment. */
export function startersAtTheLine(
  t: TestContext,
  volume: SocketVolume,
  count: number,
): Promise<OwnContainer[]> {
  const box = {
    image: image('app'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`],
    env: APP_ENV,
    entrypoint: nodeCommand(startOnTheGun, STARTING_GUN),
  }
  return Promise.all(Array.from({ length: count }, () => OwnContainer.start(t, box)))
}

async function startOnTheGun(gun: string): Promise<void> {
  const { existsSync } = await import('node:fs')
  const { setTimeout: pause } = await import('node:timers/promises')
  console.log('waiting')
  while (!existsSync(gun)) await pause(2)
  // @ts-expect-error: exists in the image alone
  await import('/srv/bundle/main.mjs')
}
