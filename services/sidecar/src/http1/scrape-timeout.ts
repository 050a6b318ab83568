/** What Prometheus waits at most, from `X-Prometheus-Scrape-Timeout-Seconds`; 0 when it is no positive number. */
export function parseScrapeTimeout(bytes: Buffer, from: number, to: number): number {
  const text = bytes.toString('latin1', from, Math.min(to, from + 20))
  return /^\d{1,6}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : 0
}

/** A scraper that waits for less says nothing of the upstream when it gets no response in time. */
const MIN_BLAME_MS = 500

/** Whether the time that a scraper allows is too short to hold its end against the upstream. */
export function isTooShortToBlame(scrapeTimeoutMs: number): boolean {
  return scrapeTimeoutMs > 0 && scrapeTimeoutMs < MIN_BLAME_MS
}

/** The response must be there a little before the scraper gives up. */
const MARGIN_MS = 250

/** Milliseconds that the whole exchange may take; 0, no scraper, is without limit. */
export function scrapeLimit(scrapeTimeoutMs: number): number {
  if (scrapeTimeoutMs === 0) return Number.POSITIVE_INFINITY
  return Math.max(scrapeTimeoutMs - MARGIN_MS, scrapeTimeoutMs / 2)
}
