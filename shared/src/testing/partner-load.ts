import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'
import { request } from '../http/request.ts'

/** Milliseconds on a clock that never goes back, and that all processes of a machine share. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** What came of one request to a partner. Times are those of {@link clockMs}. */
export interface Outcome {
  readonly method: string
  readonly path: string
  readonly startMs: number
  readonly endMs: number
  /** `200`, status and code of a problem such as `502 upstream_reset`, or the code of a failure without a status. */
  readonly result: string
}

/** Longer than any deadline of the sidecar, which decides how a request ends. */
const TIMEOUT_MS = 60_000

export async function ask(endpoint: Endpoint, method: string, path: string): Promise<Outcome> {
  const startMs = clockMs()
  const body = method === 'POST' ? { body: 'one' } : {}
  const result = await request(endpoint, { method, path, timeoutMs: TIMEOUT_MS, ...body }).then(
    ({ status, body }) => (status === 200 ? '200' : `${status} ${JSON.parse(String(body)).code}`),
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  )
  return { method, path, startMs, endMs: clockMs(), result }
}

/** Leaves the cores to what is tested. */
const BETWEEN_MS = 5

/** Clients that ask a partner for one quote after the other, by GET and POST in turn, whatever comes of it. */
export class PartnerLoad {
  readonly outcomes: Outcome[] = []
  readonly #endpoint: Endpoint
  readonly #clients: Promise<void>[]
  #isOver = false

  constructor(endpoint: Endpoint, clients: number) {
    this.#endpoint = endpoint
    this.#clients = Array.from({ length: clients }, (_, index) => this.#run(index))
  }

  /** Resolves when the last response is there. */
  async end(): Promise<Outcome[]> {
    this.#isOver = true
    await Promise.all(this.#clients)
    return this.outcomes
  }

  async #run(client: number): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const method = i % 2 === 0 ? 'GET' : 'POST'
      this.outcomes.push(await ask(this.#endpoint, method, `/quote/${client}-${i}`))
      await pause(BETWEEN_MS)
    }
  }
}

/** A partner was away: from just before its end was asked for, until it was seen to be gone, and to listen again. */
export interface Outage {
  readonly fromMs: number
  readonly goneMs: number
  readonly upMs: number
}

/** What a request may meet while nobody listens; the others belong to connections that were open. */
export const NOBODY_LISTENS: readonly string[] = ['503 connection_refused']
const CUT: readonly string[] = ['502 upstream_reset', 'upstream_truncated']

/**
 * Asserts that a failure is one that the outages explain: a request that was cut was on the wire when its partner ended,
 * and one that found nobody was under way while nobody listened. All others have succeeded, and no POST was executed
 * twice, nor one that found nobody.
 * @param journal of the partner, see busy-partner-main.ts
 * @param nobody the results of requests that found nobody
 */
export function assertExplained(
  outcomes: readonly Outcome[],
  outages: readonly Outage[],
  journal: readonly string[],
  nobody: readonly string[] = NOBODY_LISTENS,
): void {
  const isExplained = ({ startMs, endMs, result }: Outcome) =>
    outages.some(({ fromMs, goneMs, upMs }) => {
      const untilMs = CUT.includes(result) ? goneMs : nobody.includes(result) ? upMs : 0
      return startMs <= untilMs && endMs >= fromMs
    })
  const unexplained = outcomes.filter((outcome) => outcome.result !== '200' && !isExplained(outcome))
  assert.deepEqual(unexplained, [], JSON.stringify(outages))

  const executed = Map.groupBy(journal, (line) => line)
  for (const { method, path, result } of outcomes) {
    if (method !== 'POST') continue
    const times = executed.get(`${method} ${path}`)?.length ?? 0
    const [least, most] = result === '200' ? [1, 1] : nobody.includes(result) ? [0, 0] : [0, 1]
    assert.ok(times >= least && times <= most, `${method} ${path}: ${result}, executed ${times} times`)
  }
}
