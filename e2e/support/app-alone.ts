import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Box } from './box.ts'
import { eventually } from './eventually.ts'
import { image } from './images.ts'
import { OwnContainer } from './own-container.ts'
import { runToEnd } from './run-to-end.ts'

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

/** Starts it and does not wait. */
export function startAppAlone(t: TestContext, box: AppBox): Promise<OwnContainer> {
  return OwnContainer.start(t, appBox(box))
}

/** Until it says in its log that all its sockets are published. */
export async function untilReady(app: OwnContainer): Promise<void> {
  await eventually(async () => assert.match(await app.log(), /"msg":"ready"/))
}

/** For an app that is meant to refuse to start. */
export function runAppToEnd(box: AppBox) {
  return runToEnd(appBox(box))
}
