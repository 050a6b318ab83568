import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import type { Box } from './container.ts'
import { image } from './engine.ts'
import { nodeCommand } from './inside.ts'
import { OwnContainer, runToEnd, type SocketVolume } from './own-container.ts'

/** Every socket of the app in one directory, to which a test mounts a volume; Redis is absent. */
export const APP_ENV = {
  APP_METRICS: 'unix:/run/app/metrics.sock',
  APP_API: 'unix:/run/app/api.sock',
  APP_ECHO: 'unix:/run/app/echo.sock',
  APP_ADMIN: 'unix:/run/app/admin.sock',
} as const

/** What `getFrom` returns for `/-/healthy`. */
export const HEALTHY = '200 {"status":"healthy"}'

type AppBox = Omit<Box, 'image' | 'command'>

/** The real app, as compose.yaml runs it, on one volume at /run/app and with nothing around it. */
export function appBox({ env, ...box }: AppBox): Box {
  return { user: '10001:10001', ...box, image: image('app'), env: { ...APP_ENV, ...env } }
}

/** Starts the app and does not wait until it is ready. */
export function startAppAlone(t: TestContext, box: AppBox): Promise<OwnContainer> {
  return OwnContainer.start(t, appBox(box))
}

/** Until it says in its log that all its sockets are published. */
export async function untilReady(app: OwnContainer): Promise<void> {
  await eventuallyPasses(async () => assert.match(await app.log(), /"msg":"ready"/))
}

/** For an app that is meant to refuse to start. */
export function runAppToEnd(box: AppBox) {
  return runToEnd(appBox(box))
}

/** The apps start when this file is made in their volume. */
export const START_FILE = '/run/app/go'

/** Apps that wait, each in a container of its own, so that all of them can start at the same moment. */
export function waitingApps(t: TestContext, volume: SocketVolume, count: number): Promise<OwnContainer[]> {
  const box = {
    image: image('app'),
    user: '10001:10001',
    mounts: [`${volume.name}:/run/app`],
    env: APP_ENV,
    entrypoint: nodeCommand(startWhenThere, START_FILE),
  }
  return Promise.all(Array.from({ length: count }, () => OwnContainer.start(t, box)))
}

async function startWhenThere(file: string): Promise<void> {
  const { existsSync } = await import('node:fs')
  const { setTimeout: pause } = await import('node:timers/promises')
  console.log('waiting')
  while (!existsSync(file)) await pause(2)
  // @ts-expect-error: exists only in the image
  await import('/srv/bundle/main.mjs')
}

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
