import { endpointText } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import * as v from 'valibot'
import { suggest } from './cli/suggest.ts'

/** The endpoints of the stack: its sockets, and TCP through the sidecar. */
export interface ClientConfig {
  readonly api: Endpoint
  readonly echo: Endpoint
  readonly metrics: Endpoint
  readonly admin: Endpoint
  readonly tcpApi: Endpoint
  readonly tcpEcho: Endpoint
  readonly tcpMetrics: Endpoint
  readonly ops: Endpoint
}

const PREFIX = 'CLIENT_'

const ENTRIES = {
  CLIENT_API: at('unix:/run/app/api/api.sock'),
  CLIENT_ECHO: at('unix:/run/app/api/echo.sock'),
  CLIENT_METRICS: at('unix:/run/app/metrics/metrics.sock'),
  CLIENT_ADMIN: at('unix:/run/app/api/admin.sock'),
  CLIENT_TCP_API: at('tcp://127.0.0.1:8080'),
  CLIENT_TCP_ECHO: at('tcp://127.0.0.1:7070'),
  CLIENT_TCP_METRICS: at('tcp://127.0.0.1:9464'),
  CLIENT_OPS: at('tcp://127.0.0.1:9901'),
}

/** @throws Failure `bad_config` that lists every mistake */
export function loadConfig(env: NodeJS.ProcessEnv): ClientConfig {
  const read = readEnv(ours(env), PREFIX, ENTRIES)
  return Object.freeze({
    api: read.CLIENT_API,
    echo: read.CLIENT_ECHO,
    metrics: read.CLIENT_METRICS,
    admin: read.CLIENT_ADMIN,
    tcpApi: read.CLIENT_TCP_API,
    tcpEcho: read.CLIENT_TCP_ECHO,
    tcpMetrics: read.CLIENT_TCP_METRICS,
    ops: read.CLIENT_OPS,
  })
}

function at(fallback: string) {
  return v.optional(endpointText, fallback)
}

/** Only our names, and names similar to them: a shell may have a CLIENT_ID of another program. */
function ours(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const known = Object.keys(ENTRIES).map(withoutPrefix)
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => name.startsWith(PREFIX) && suggest(withoutPrefix(name), known) !== undefined,
    ),
  )
}

function withoutPrefix(name: string): string {
  return name.slice(PREFIX.length)
}
