/** What Prometheus waits at most, from `X-Prometheus-Scrape-Timeout-Seconds`; 0 when it is no positive number. */
export function parseScrapeTimeout(bytes: Buffer, from: number, to: number): number {
  const text = bytes.toString('latin1', from, Math.min(to, from + 20))
  return /^\d{1,6}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : 0
}
