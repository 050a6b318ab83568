import type { Stack } from './stack.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Answer {
  readonly data: {
    readonly result: { metric: Record<string, string>; value: [time: number, text: string] }[]
  }
}

/** Asks Prometheus itself (its HTTP API, instant query); samples sorted by instance. */
export async function instantQuery(stack: Stack, query: string): Promise<Sample[]> {
  const { status, body } = await stack.request(
    'prometheus',
    `/api/v1/query?query=${encodeURIComponent(query)}`,
  )
  if (status !== 200) throw new Error(`Prometheus answered ${status}: ${body}`)
  const { data }: Answer = JSON.parse(body.toString())
  return data.result
    .map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    .sort((a, b) => String(a.labels.instance).localeCompare(String(b.labels.instance)))
}
