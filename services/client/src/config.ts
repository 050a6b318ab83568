import { endpointText } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import * as v from 'valibot'
import { suggest } from './cli/suggest.ts'

/** The endpoints of the stack: its sockets, and TCP through the sidecar. */
export interface StackEndpoints {
  readonly api: Endpoint
  readonly echo: Endpoint
  readonly metrics: Endpoint
  readonly admin: Endpoint
  readonly tcpApi: Endpoint
  readonly tcpEcho: Endpoint
  readonly tcpMetrics: Endpoint
  readonly ops: Endpoint
}

export interface ClientConfig extends StackEndpoints {
  /** How to reach the TCP endpoints that speak TLS, where no option says it. Undefined: none of them does. */
  readonly access?: StackAccess | undefined
}

/** The values of the options of the same names. */
interface StackAccess {
  readonly tls: false
  readonly cacert?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly 'token-file'?: string | undefined
  readonly 'tls-for': readonly StackPort[]
}

/** The TCP endpoints of the stack, as `--tls-for` and `CLIENT_TLS_FOR` name them. */
export const STACK_PORTS = { api: 'tcpApi', echo: 'tcpEcho', metrics: 'tcpMetrics', ops: 'ops' } as const

export type StackPort = keyof typeof STACK_PORTS

export function isStackPort(name: string): name is StackPort {
  return Object.hasOwn(STACK_PORTS, name)
}

const ALL_PORTS = Object.keys(STACK_PORTS).filter(isStackPort)

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
  CLIENT_CACERT: file(),
  CLIENT_CERT: file(),
  CLIENT_KEY: file(),
  CLIENT_TOKEN_FILE: file(),
  CLIENT_TLS_FOR: v.optional(portNames()),
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
    access: accessIn(read),
  })
}

type Files = Partial<
  Record<'CLIENT_CACERT' | 'CLIENT_CERT' | 'CLIENT_KEY' | 'CLIENT_TOKEN_FILE', string | undefined>
>

function accessIn({
  CLIENT_CACERT: cacert,
  CLIENT_CERT: cert,
  CLIENT_KEY: key,
  CLIENT_TOKEN_FILE: tokenFile,
  CLIENT_TLS_FOR: names = ALL_PORTS,
}: Files & { readonly CLIENT_TLS_FOR?: readonly StackPort[] | undefined }): StackAccess | undefined {
  if ([cacert, cert, key, tokenFile].every((file) => file === undefined)) return undefined
  return Object.freeze({ tls: false, cacert, cert, key, 'token-file': tokenFile, 'tls-for': names })
}

function file() {
  return v.optional(v.string())
}

function portNames() {
  const message = `may have ${ALL_PORTS.join(', ')}, with commas between them`
  return v.pipe(
    v.string(),
    v.transform((text) => text.split(',').map((name) => name.trim())),
    v.check((names) => names.every(isStackPort), message),
    v.transform((names) => names.filter(isStackPort)),
  )
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
