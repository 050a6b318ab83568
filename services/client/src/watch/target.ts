import { formatIdentity } from '@uds-sidecar/shared/bind/identity'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { request } from '@uds-sidecar/shared/http/request'
import { inspectFile } from '@uds-sidecar/shared/inspect/file-facts'
import type { Access } from '../access/access.ts'
import { CliError } from '../cli/cli-error.ts'
import type { ClientConfig } from '../config.ts'
import { dialogue } from '../echo/dialogue.ts'
import { expectOk } from '../http/request-json.ts'
import { type Route, routeBehind } from '../http/schemas.ts'

/** What one look at a target showed. */
export interface Look {
  /** `up`, or the failure code. */
  readonly state: string
  /** Milliseconds until the response; null without one. */
  readonly ms: number | null
  /** Identity of the socket: it changes when another socket takes its place. Null if it is not visible. */
  readonly socket: string | null
}

/** Whether a target responds, and how fast. */
export async function look(target: Target, timeoutMs: number): Promise<Omit<Look, 'socket'>> {
  const start = performance.now()
  try {
    await target.probe(timeoutMs)
    return { state: 'up', ms: performance.now() - start }
  } catch (error) {
    if (!(error instanceof Failure) && !(error instanceof CliError)) throw error
    return { state: error.code, ms: null }
  }
}

/** Identity of the socket of a target. @param routes what the sidecar reports about the sockets behind its ports */
export async function socketOf({ endpoint }: Target, routes: readonly Route[]): Promise<Look['socket']> {
  if (endpoint.kind !== 'unix') return routeBehind(routes, endpoint)?.generation.toString() ?? null
  const { facts } = await inspectFile(endpoint.path)
  return facts === null ? null : formatIdentity(facts.identity)
}

/** One endpoint of the stack, and how to check it. */
export interface Target {
  readonly name: string
  readonly endpoint: Endpoint
  /** @throws Failure or CliError with the code of the failure */
  probe(timeoutMs: number): Promise<void>
}

export function targetsOf(config: ClientConfig, access: Access): Target[] {
  return [
    httpTarget('api', config.api, '/-/healthy', access),
    echoTarget('echo', config.echo, access),
    httpTarget('metrics', config.metrics, '/metrics', access),
    httpTarget('api over TCP', config.tcpApi, '/-/healthy', access),
    echoTarget('echo over TCP', config.tcpEcho, access),
    httpTarget('metrics over TCP', config.tcpMetrics, '/metrics', access),
    httpTarget('sidecar', config.ops, '/-/healthy', access),
  ]
}

function httpTarget(name: string, endpoint: Endpoint, path: string, access: Access): Target {
  const probe = async (timeoutMs: number) => {
    expectOk(endpoint, path, await request(endpoint, { ...access(endpoint), path, timeoutMs }))
  }
  return { name, endpoint, probe }
}

function echoTarget(name: string, endpoint: Endpoint, access: Access): Target {
  const probe = async (timeoutMs: number) => {
    await dialogue(endpoint, ['watch'], timeoutMs, access(endpoint).tls)
  }
  return { name, endpoint, probe }
}
