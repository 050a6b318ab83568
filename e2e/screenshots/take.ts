// `make screenshots`: the pictures in docs/screenshots, of a real stack that is healthy, taken over, crashed and hung.

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { DESKTOP, openBrowser, openOperationsPage, PHONE } from '../support/browser.ts'
import { REPOSITORY } from '../support/run.ts'
import { ownStack, type Stack } from '../support/stack.ts'

const DIRECTORY = join(REPOSITORY, 'docs/screenshots')
const HEALTHY_MS = 240_000
const LATER_MS = 40_000

test('the pictures of the page', async (t) => {
  const env = { APP_ON_CONFLICT: 'takeover', APP_RESTART: 'on-failure' }
  const stack = await ownStack(t, { env })
  await using browser = await openBrowser()
  await mkdir(DIRECTORY, { recursive: true })
  const take = async (name: string, options: Parameters<typeof openOperationsPage>[2]) => {
    const { page } = await openOperationsPage(browser, stack, options)
    await page.screenshot({ path: join(DIRECTORY, `${name}.png`), fullPage: options.viewport === PHONE })
    await page.context().close()
  }

  await use(stack, HEALTHY_MS)
  await take('healthy', { viewport: DESKTOP, colorScheme: 'light' })
  await take('healthy-phone', { viewport: PHONE, colorScheme: 'dark' })

  await stack.compose.scale('app', 2)
  await eventuallyPasses(async () => assert.equal(await stack.service('app', 1).condition(), 'exited'))
  await use(stack, LATER_MS)
  await take('takeover', { viewport: DESKTOP, colorScheme: 'light' })

  await stack.service('app', 2).crash()
  await use(stack, LATER_MS)
  await take('crash', { viewport: DESKTOP, colorScheme: 'dark' })

  await stack.service('app', 2).pause()
  await use(stack, LATER_MS)
  await take('hung', { viewport: DESKTOP, colorScheme: 'light' })
  await stack.service('app', 2).unpause()
})

/** Uses the stack as clients do: with quiet and busy times, and some requests that are refused. */
async function use(stack: Stack, ms: number): Promise<void> {
  const startMs = performance.now()
  for (let count = 1; performance.now() - startMs < ms; count++) {
    const busy = 1 + Math.sin((performance.now() - startMs) / 20_000)
    await Promise.allSettled([
      stack.request('api', '/status', { timeoutMs: 2_000 }),
      ...(count % 3 === 0 ? [stack.request('api', '/visits', { method: 'POST', timeoutMs: 2_000 })] : []),
      ...(count % 5 === 0 ? [stack.request('metrics', '/metrics', { timeoutMs: 2_000 })] : []),
      ...(count % 40 === 0 ? [stack.request('api', '/.env', { timeoutMs: 2_000 })] : []),
    ])
    await delay(20 + 100 * (2 - busy))
  }
}
