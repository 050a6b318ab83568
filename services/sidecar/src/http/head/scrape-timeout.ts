/** What Prometheus waits at most, from `X-Prometheus-Scrape-Timeout-Seconds`; 0 when it is no positive number. */
export function parseScrapeTimeout(bytes: Buffer, from: number, to: number): number {
  const text = bytes.toString('latin1', from, Math.min(to, from + 20))
  return /^\d{1,6}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : 0
}

/** The answer must be there a little before the scraper gives up. */
const MARGIN_MS = 250

/** Milliseconds that the whole exchange may take; 0, no scraper, is without limit. */
export function scrapeLimit(scrapeTimeoutMs: number): number {
  if (scrapeTimeoutMs === 0) return Number.POSITIVE_INFINITY
  return Math.max(scrapeTimeoutMs - MARGIN_MS, scrapeTimeoutMs / 2)
}
