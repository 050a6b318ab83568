import type { DialOptions } from '@uds-sidecar/shared/dial/dial'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { HINTS } from '@uds-sidecar/shared/failure/explain'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { http } from '@uds-sidecar/shared/http/node-http'
import { EndpointAgent, requestFailure, switchedProtocols } from '@uds-sidecar/shared/http/request'

/** What an upstream is asked to learn whether it is ready. */
export interface ReadySettings {
  /** Path and query of a GET request. */
  readonly get: string
  /** How long the upstream may take, from the dial to the head of its response. */
  readonly withinMs: number
  /** How often it is asked while nobody reads the result. */
  readonly everyMs: number
  /** Names and values of the request fields, one after the other: the Host, and the credentials as they are now. */
  readonly fields: () => readonly string[]
}

/** How the connection of a probe is made: as those of the route are. */
export interface ProbeDial extends Pick<DialOptions, 'tls' | 'lookup'> {
  /** Gives the probe up when it aborts: nobody wants to know any more. */
  readonly signal?: AbortSignal
}

/**
 * Sends `GET get` on a connection of its own, and closes that as soon as the response head is there. 2xx alone is
 * ready; redirects are not followed.
 * @returns null when the upstream is ready. Otherwise `unhealthy` for another status, `upstream_hung` for no response
 * head in time, or what `dial` and `request` fail with.
 */
export async function askReady(
  endpoint: Endpoint,
  ready: ReadySettings,
  { signal, ...dialOptions }: ProbeDial = {},
): Promise<Failure | null> {
  const { get, withinMs } = ready
  const deadline = AbortSignal.timeout(withinMs)
  const end = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
  try {
    const status = await statusOf(endpoint, ready, { ...dialOptions, signal: end })
    return status >= 200 && status < 300 ? null : notReady(endpoint, get, status)
  } catch (error) {
    return deadline.aborted ? hung(endpoint, ready) : requestFailure(endpoint, error)
  }
}

/** The connection gets no time limit but the signal: it is aborted with it. */
const NEVER_MS = 2 ** 31 - 1

async function statusOf(
  endpoint: Endpoint,
  { get, fields }: ReadySettings,
  options: DialOptions & { readonly signal: AbortSignal },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const request = http
    .request({
      path: get,
      agent: new EndpointAgent(endpoint, { ...options, timeoutMs: NEVER_MS }),
      headers: [...fields(), 'Connection', 'close'],
      signal: options.signal,
    })
    .once('response', ({ statusCode = 0 }) => resolve(statusCode))
    .once('upgrade', (_message, socket) => reject(switchedProtocols(endpoint, socket)))
    .on('error', reject)
    .once('close', () => reject(new Error('closed without a response')))
  request.end()
  try {
    return await promise
  } finally {
    request.destroy()
  }
}

function hung(endpoint: Endpoint, { get, withinMs }: ReadySettings): Failure {
  return new Failure('upstream_hung', {
    message: `${formatEndpoint(endpoint)} did not respond to GET ${get} within ${withinMs} ms`,
    hint: `${HINTS.paused} (ready.within)`,
  })
}

function notReady(endpoint: Endpoint, path: string, status: number): Failure {
  return new Failure('unhealthy', {
    message: `${formatEndpoint(endpoint)} responded to GET ${path} with ${status}`,
    hint: 'only 2xx counts as ready: see the log of the app, or correct the path of ready.get',
  })
}
