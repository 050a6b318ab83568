import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { type Response, request } from '@uds-sidecar/shared/http/request'
import * as v from 'valibot'
import { AppFailure } from '../failures.ts'

/** Longer than the sidecar's own deadlines for a connection, so that its reason comes before this ends. */
const TIMEOUT_MS = 3_000
const MAX_BYTES = 65_536
const PATH = '/v1/quote'

const quoteSchema = v.object({ quote: v.pipe(v.string(), v.maxLength(1_000)) })
const problemSchema = v.object({ code: v.string(), detail: v.string() })

/**
 * A service of somebody else, on a network that the app is not on. The app speaks plain HTTP to a socket of the sidecar,
 * which speaks TLS with the partner and adds the token: the app has no network, no certificate and no token.
 */
export class Partner {
  readonly #endpoint: Endpoint

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint
  }

  /** A quote of the partner. Asked anew each time; not repeated. @throws Failure `dependency_down` */
  async quote(): Promise<string> {
    const response = await this.#get().catch((cause: unknown) => {
      throw cause instanceof Failure ? this.#down(`${cause.code}: ${cause.message}`, cause) : cause
    })
    if (response.status !== 200) throw this.#down(reasonOf(response))
    const { success, output } = v.safeParse(quoteSchema, parsed(response))
    if (!success) throw this.#down('the response has no quote')
    return output.quote
  }

  #get(): Promise<Response> {
    return request(this.#endpoint, { path: PATH, timeoutMs: TIMEOUT_MS, maxBodyBytes: MAX_BYTES })
  }

  #down(why: string, cause?: unknown): AppFailure {
    return new AppFailure('dependency_down', {
      message: `no quote from the partner behind ${formatEndpoint(this.#endpoint)}: ${why}`,
      hint: 'see /routes of the sidecar for the state of this route, and check that the partner runs',
      cause,
    })
  }
}

/** The sidecar says why in a problem; the partner itself may say anything, which is not shown. */
function reasonOf(response: Response): string {
  const { success, output } = v.safeParse(problemSchema, parsed(response))
  return success ? `${output.code}: ${output.detail}` : `status ${response.status}`
}

function parsed({ body }: Response): unknown {
  try {
    return JSON.parse(String(body))
  } catch {
    return undefined // not JSON: the schemas refuse it
  }
}
