import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Stack } from './stack.ts'

export const PHONE = { width: 390, height: 844 } as const
export const DESKTOP = { width: 1_280, height: 900 } as const

/** A Chromium of this machine, which `scripts/ensure-browser.sh` installs. As root it has no sandbox of its own. */
export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox: false })
}

/** What was open, with everything that the browser complained about: errors, refused styles, failed requests. */
export interface OpenPage {
  readonly page: Page
  readonly complaints: readonly string[]
}

/** Opens the page of the operations port, without scripts, as an operator's browser may. */
export async function openOperationsPage(
  browser: Browser,
  stack: Stack,
  options: BrowserContextOptions,
): Promise<OpenPage> {
  const context = await browser.newContext({ javaScriptEnabled: false, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => complaints.push(request.url()))
  const url = formatEndpoint(await stack.endpoint('ops')).replace('tcp:', 'http:')
  await page.goto(url)
  return { page, complaints }
}
