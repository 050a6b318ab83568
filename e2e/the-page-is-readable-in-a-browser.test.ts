// The page of the operations port in a real Chromium without scripts: it is complete, fits a phone and a desktop, loads
// nothing that its policy forbids, and its text has enough contrast in light and dark.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DESKTOP, openBrowser, openOperationsPage, PHONE } from './support/browser.ts'
import { sharedStack } from './support/stack.ts'

const FAINT_TEXTS = readFileSync(join(import.meta.dirname, 'support/faint-texts.js'), 'utf8')

test('the page is readable in a browser', async (t) => {
  const stack = await sharedStack(t)
  await stack.request('api', '/status')
  await stack.request('api', '/not-allowed')
  await using browser = await openBrowser()

  for (const viewport of [PHONE, DESKTOP])
    for (const colorScheme of ['light', 'dark'] as const)
      await t.test(`at ${viewport.width} px in ${colorScheme}`, async () => {
        const { page, complaints } = await openOperationsPage(browser, stack, { viewport, colorScheme })
        const api = page.getByRole('img', { name: /^requests\/s, last 15 minutes: / })
        assert.ok((await api.count()) > 1, 'a chart for each route')
        assert.ok(await page.getByText('path_not_allowed').first().isVisible())
        const width = Number(await page.evaluate('document.documentElement.scrollWidth'))
        assert.ok(width <= viewport.width, 'nothing is cut off at the right')
        assert.deepEqual(await page.evaluate(FAINT_TEXTS), [])
        assert.deepEqual(complaints, [])
        await page.context().close()
      })
})
