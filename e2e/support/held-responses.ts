import assert from 'node:assert/strict'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import type { ContainerHandle } from './container.ts'
import type { Insider } from './inside.ts'

/** For `Stack.start`: an app that can hold every response of its API until it is told to go on. */
export const HELD_RESPONSES = { overlays: ['held-responses'], env: { APP_CHAOS: 'on' } } as const

/** As in e2e/compose/config/hold-responses.mts. */
const HELD = '/run/app/metrics/held'
const GO_ON = '/run/app/metrics/go-on'
const DELAY_MS = 60_000

/** From now on requests to the API reach the app and get no response until `letGo`. */
export function holdResponses(app: ContainerHandle): Promise<void> {
  return askAdmin(app, 'POST', `/chaos/delay?ms=${DELAY_MS}`)
}

/** Resolves when the app holds so many requests. */
export async function untilHeld(app: ContainerHandle, requests: number): Promise<void> {
  await eventuallyPasses(async () => assert.equal(await app.read(HELD), String(requests)))
}

/** All that are held get their responses. */
export function letGo(app: ContainerHandle): Promise<void> {
  return app.touch(GO_ON)
}

/** Asks the app's admin socket, which only its own user may do: from within its container. */
export async function askAdmin(app: Insider, method: 'POST' | 'PUT', path: string): Promise<void> {
  const status = await app.inside(
    async (method, path) => {
      const { request } = await import('@uds-sidecar/shared/http/request')
      const { status } = await request({ kind: 'unix', path: '/run/app/api/admin.sock' }, { method, path })
      return status
    },
    method,
    path,
  )
  if (status !== 204) throw new Error(`${method} ${path} on the admin socket: ${status}`)
}
