import type { Stack } from './stack.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One value as it was scraped. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/** An instant query of Prometheus itself, by its HTTP API; samples sorted by instance. */
export async function instantQuery(stack: Stack, query: string): Promise<Sample[]> {
  const { result }: { result: { metric: Record<string, string>; value: Pair }[] } = await ask(stack, query)
  return result
    .map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    .sort((a, b) => String(a.labels.instance).localeCompare(String(b.labels.instance)))
}

/** Every point of the only series that the selector selects, as it was scraped within the last five minutes. */
export async function scrapedPoints(stack: Stack, selector: string): Promise<Point[]> {
  const { result }: { result: { values: Pair[] }[] } = await ask(stack, `${selector}[5m]`)
  if (result.length !== 1) throw new Error(`${selector} selects ${result.length} series`)
  return (result[0]?.values ?? []).map(([seconds, text]) => ({ atMs: seconds * 1_000, value: Number(text) }))
}

/** The alerts of that name that are pending or firing: their states. */
export async function alertStates(stack: Stack, name: string): Promise<string[]> {
  const { body } = await stack.request('prometheus', '/api/v1/alerts')
  const { data }: { data: { alerts: { labels: Record<string, string>; state: string }[] } } = JSON.parse(
    String(body),
  )
  return data.alerts.filter(({ labels }) => labels.alertname === name).map(({ state }) => state)
}

type Pair = [seconds: number, value: string]

async function ask<T>(stack: Stack, query: string): Promise<T> {
  const { status, body } = await stack.request(
    'prometheus',
    `/api/v1/query?query=${encodeURIComponent(query)}`,
  )
  if (status !== 200) throw new Error(`Prometheus responded with ${status}: ${body}`)
  return JSON.parse(String(body)).data
}
