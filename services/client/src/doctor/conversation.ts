import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import { type Response, request } from '@uds-sidecar/shared/http/request'
import * as v from 'valibot'
import type { Reach } from '../access/access.ts'
import { dialogue } from '../echo/dialogue.ts'
import { problemIn, type ReceivedProblem } from '../http/request-json.ts'
import { notReadySchema } from '../http/schemas.ts'
import type { Place } from './place.ts'

/** The outcome of a request to an endpoint that accepted the connection. */
export type Conversation =
  | { readonly kind: 'responded'; readonly said: string }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'other protocol'; readonly said: string }
  | ServerError

export interface ServerError {
  readonly kind: 'server error'
  readonly status: number
  readonly problem: ReceivedProblem | undefined
  readonly body: string
  /** The routes for which a sidecar says that it is not ready; otherwise empty. */
  readonly down: readonly DownRoute[]
}

export interface DownRoute {
  readonly route: string
  readonly code: string | null
}

const PING = 'ping'

/** Statuses of a working server about this one path: missing or not allowed. Doctor guessed the path, so that is fine. */
const ABOUT_THE_PATH: ReadonlySet<number> = new Set([401, 403, 404, 405])

const SHOWN_LETTERS = 200

export async function converse(place: Place, reach: Reach, timeoutMs: number): Promise<Conversation> {
  try {
    return await CONVERSATIONS[place.protocol](place, reach, timeoutMs)
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure
    if (failure.code !== 'upstream_malformed') return { kind: 'failed', failure }
    return { kind: 'other protocol', said: firstBytes(failure) }
  }
}

const CONVERSATIONS = { http: overHttp, echo: overEcho, none: async () => quiet }

const quiet: Conversation = { kind: 'responded', said: 'no request was sent (--protocol none)' }

async function overHttp({ endpoint, path }: Place, reach: Reach, timeoutMs: number): Promise<Conversation> {
  const response = await request(endpoint, { ...reach, path, timeoutMs })
  const problem = problemIn(response)
  const isAboutThePath = ABOUT_THE_PATH.has(response.status) && !isAboutTheCaller(response, problem, reach)
  if (isAboutThePath || response.status < 400)
    return { kind: 'responded', said: `GET ${path}: ${response.status}` }
  const body = response.body.toString().replaceAll(/\s+/g, ' ').slice(0, SHOWN_LETTERS).trim()
  return { kind: 'server error', status: response.status, problem, body, down: downIn(response) }
}

function downIn({ body }: Response): readonly DownRoute[] {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), notReadySchema), body.toString())
  if (!parsed.success) return []
  const { down } = parsed.output
  return down.every(({ optional }) => optional) ? down : down.filter(({ optional }) => !optional)
}

/** Codes by which a sidecar says that it does not know who calls, or that this caller may not do this. */
const ABOUT_THE_CALLER: ReadonlySet<string> = new Set(['unauthenticated', 'bad_credentials', 'not_permitted'])

function isAboutTheCaller(
  { status }: Response,
  problem: ReceivedProblem | undefined,
  { hasToken }: Reach,
): boolean {
  return ABOUT_THE_CALLER.has(problem?.code ?? '') || (status === 401 && hasToken)
}

async function overEcho({ endpoint }: Place, { tls }: Reach, timeoutMs: number): Promise<Conversation> {
  const [said = ''] = await dialogue(endpoint, [PING], timeoutMs, tls)
  if (said === `echo: ${PING}`) return { kind: 'responded', said: `"${PING}": "${said}"` }
  return { kind: 'other protocol', said: said.slice(0, SHOWN_LETTERS) }
}

/** The bytes that llhttp could not parse, which it keeps in the error. */
function firstBytes({ cause, message }: Failure): string {
  const raw = cause instanceof Error && 'rawPacket' in cause ? cause.rawPacket : undefined
  if (raw instanceof Uint8Array) return Buffer.from(raw).toString('latin1').slice(0, SHOWN_LETTERS)
  return errnoOf(cause) ?? message
}
