import assert from 'node:assert/strict'
import { askAdmin } from './admin.ts'
import type { ContainerHandle } from './container-handle.ts'
import { eventually } from './eventually.ts'

/** For `Stack.start`: an app that can hold every response of its API until it is told to go on. */
export const HELD_ANSWERS = { overlays: ['held-answers'], env: { APP_CHAOS: 'on' } } as const

/** As in e2e/compose/config/hold-answers.mts. */
const HELD = '/run/app/metrics/held'
const GO_ON = '/run/app/metrics/go-on'
const DELAY_MS = 60_000

/** From now on requests to the API reach the app and get no response. */
export function holdAnswers(app: ContainerHandle): Promise<void> {
  return askAdmin(app, 'POST', `/chaos/delay?ms=${DELAY_MS}`)
}

/** Resolves when the app holds so many requests. */
export async function untilHeld(app: ContainerHandle, requests: number): Promise<void> {
  await eventually(async () => assert.equal(await app.read(HELD), String(requests)))
}

/** All that are held get their responses. */
export async function letGo(app: ContainerHandle): Promise<void> {
  const { exitCode, stderr } = await app.exec('touch', GO_ON)
  assert.equal(exitCode, 0, stderr)
}
